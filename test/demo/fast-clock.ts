import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** The system's clock, but everything on it goes `pace` times as fast: a second is over after 1000 / `pace` ms. */
export const fastClock = (pace: number): Clock => ({
  now: () => systemClock.now() * pace,
  wallTime: () => systemClock.wallTime(),
  after: (delayMs, callback) => systemClock.after(delayMs / pace, callback),
});

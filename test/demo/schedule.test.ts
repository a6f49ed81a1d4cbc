import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scenario } from '../../src/demo/scenarios.ts';
import { calmMs, makeSchedule, type ScheduledStep, ScheduleRun } from '../../src/demo/schedule.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** A scenario whose steps are at these moments. */
const scenarioOf = (name: string, ...stepsAtMs: number[]): Scenario => ({
  name,
  title: '',
  commands: [],
  steps: stepsAtMs.map((atMs) => ({ atMs, news: '', watch: '', act: () => {} })),
});

const two = makeSchedule([scenarioOf('a', 0, 5000), scenarioOf('b', 0, 1000, 3000)]);

/** What is taken, and when, from the beginning of the run. */
const record = (clock: VirtualClock) => {
  const taken: string[] = [];
  const beganAt = clock.now();
  const onStep = ({ scenario, step }: ScheduledStep): void => {
    taken.push(`${scenario.name}+${step.atMs} at ${clock.now() - beganAt}`);
  };
  return { taken, run: new ScheduleRun(two, clock, onStep) };
};

test('each scenario comes after a calm, in the order given', () => {
  assert.deepEqual(
    two.steps.map(({ scenario, atMs, isFirst }) => [scenario.name, atMs, isFirst]),
    [
      ['a', calmMs, true],
      ['a', calmMs + 5000, false],
      ['b', 2 * calmMs + 5000, true],
      ['b', 2 * calmMs + 6000, false],
      ['b', 2 * calmMs + 8000, false],
    ],
  );
  assert.equal(two.roundMs, 2 * calmMs + 8000);
});

test('the steps of a round are taken at their times, and then those of the next round', () => {
  const clock = new VirtualClock();
  const { taken, run } = record(clock);

  run.start();
  clock.advance(two.roundMs + calmMs);

  const round = two.roundMs;
  assert.deepEqual(taken, [
    `a+0 at ${calmMs}`,
    `a+5000 at ${calmMs + 5000}`,
    `b+0 at ${2 * calmMs + 5000}`,
    `b+1000 at ${2 * calmMs + 6000}`,
    `b+3000 at ${round}`,
    `a+0 at ${round + calmMs}`,
  ]);
});

test('a loop that was late for one step is in time for the next', () => {
  const clock = new VirtualClock();
  const { taken, run } = record(clock);

  run.start();
  clock.block(calmMs + 2000);
  clock.advance(3000);

  assert.deepEqual(taken, [`a+0 at ${calmMs + 2000}`, `a+5000 at ${calmMs + 5000}`]);
});

test('a run that was stopped takes no step and leaves no timer', () => {
  const clock = new VirtualClock();
  const { taken, run } = record(clock);
  run.start();
  clock.advance(calmMs);

  run.stop();
  clock.advance(two.roundMs);

  assert.equal(taken.length, 1);
  assert.equal(clock.pendingTimers, 0);
});

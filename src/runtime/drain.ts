import type { DrainSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';

const LOOK_EVERY_MS = 50;

/**
 * Resolves when nothing has been in flight for `idleExitMs`, then true, or when the deadline has passed, then false.
 * An app that is stopping too may still send requests: each one starts the quiet time anew.
 */
export const untilQuiet = (clock: Clock, settings: DrainSettings, busy: () => number): Promise<boolean> =>
  new Promise((resolve) => {
    const deadlineAt = clock.now() + settings.deadlineMs;
    let quietSince = clock.now();
    const look = (): void => {
      const now = clock.now();
      const isBusy = busy() > 0;
      if (isBusy) quietSince = now;
      if (!isBusy && now - quietSince >= settings.idleExitMs) resolve(true);
      else if (now >= deadlineAt) resolve(false);
      else clock.after(LOOK_EVERY_MS, look);
    };
    look();
  });

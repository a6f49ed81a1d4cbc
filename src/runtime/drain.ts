import type { DrainSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';

const LOOK_EVERY_MS = 50;

/** What goes on in the data path. */
export interface Activity {
  /** Connections on which something is under way. */
  readonly busy: number;
  /** A count that is another one whenever something has begun, however short it was. */
  readonly begun: number;
}

/**
 * Resolves when nothing has begun and nothing was in flight for `idleExitMs`, then true, or when the deadline has passed,
 * then false. An app that is stopping too may still send requests: each one starts the quiet time anew, those too that
 * begin and end between two looks.
 */
export const untilQuiet = (clock: Clock, settings: DrainSettings, activity: Activity): Promise<boolean> =>
  new Promise((resolve) => {
    const deadlineAt = clock.now() + settings.deadlineMs;
    let quietSince = clock.now();
    let seen = activity.begun;
    const look = (): void => {
      const now = clock.now();
      const isBusy = activity.busy > 0;
      if (isBusy || activity.begun !== seen) quietSince = now;
      seen = activity.begun;
      if (!isBusy && now - quietSince >= settings.idleExitMs) resolve(true);
      else if (now >= deadlineAt) resolve(false);
      else clock.after(LOOK_EVERY_MS, look);
    };
    look();
  });

import type { ReloadReport } from '../admin/admin-port.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import { formatProblem } from '../config/problem.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Bus } from '../telemetry/events.ts';
import { StartError } from './start-error.ts';

/** What reloads have come to so far. */
export interface ReloadCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly lastSucceeded: boolean;
}

export interface ReloaderOptions {
  /** Reads the configuration again; null: it did not come from a file. */
  readonly load: (() => LoadedSettings) | null;
  /** Why there is no time for a reload; null: there is. */
  readonly obstacle: () => string | null;
  /** Puts the settings in force and says what changed; rejects with a StartError, and then nothing has changed. */
  readonly apply: (settings: Settings) => Promise<string>;
  readonly bus: Pick<Bus, 'configReloaded'>;
  readonly clock: Clock;
}

/**
 * Reads the configuration again when somebody asks for it, one time after the other. What cannot be read or put in force
 * is told once and changes nothing.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #counts: ReloadCounts = { succeeded: 0, failed: 0, lastSucceeded: true };
  #last: Promise<unknown> = Promise.resolve();
  /** The next one, while it has not begun: it will read what is there then, for all who ask meanwhile. */
  #next: Promise<ReloadReport> | null = null;

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  get counts(): ReloadCounts {
    return this.#counts;
  }

  /** Resolves when the reload that is under way has ended. */
  get settled(): Promise<unknown> {
    return this.#last;
  }

  reload(): Promise<ReloadReport> {
    if (this.#next !== null) return this.#next;
    const next = this.#last.then(() => {
      this.#next = null;
      return this.#reload();
    });
    this.#next = next;
    // A defect is for those who asked. Who comes after them only wants to know that it is over.
    this.#last = next.catch(() => {});
    return next;
  }

  async #reload(): Promise<ReloadReport> {
    const { load, obstacle, apply } = this.#options;
    const why = load === null ? 'there is no configuration file: start with -c FILE' : obstacle();
    if (why !== null) return { result: 'refused', why, problems: [] };
    const loaded = load!();
    if (!loaded.ok) {
      const problems = loaded.problems.map(formatProblem);
      const rest = problems.length - 1;
      return this.#report('failed', `${problems[0]}${rest === 0 ? '' : ` (and ${rest} more)`}`, problems);
    }
    try {
      return this.#report('succeeded', await apply(loaded.settings), []);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return this.#report('failed', error.message, []);
    }
  }

  #report(result: 'succeeded' | 'failed', why: string, problems: readonly string[]): ReloadReport {
    const isSuccess = result === 'succeeded';
    const { succeeded, failed } = this.#counts;
    this.#counts = {
      succeeded: succeeded + (isSuccess ? 1 : 0),
      failed: failed + (isSuccess ? 0 : 1),
      lastSucceeded: isSuccess,
    };
    const { bus, clock } = this.#options;
    bus.configReloaded({ result, why, at: clock.wallTime() });
    return { result, why, problems };
  }
}

import { formatListenAddress } from '../config/addresses.ts';
import { parseSettings } from '../config/parse-settings.ts';
import type { Problem } from '../config/problem.ts';
import { announce, formatElapsed, introduce, narrate, sumUp } from '../demo/narration.ts';
import type { Scenario } from '../demo/scenarios.ts';
import { makeSchedule, type ScheduledStep, ScheduleRun } from '../demo/schedule.ts';
import { Shop } from '../demo/shop.ts';
import { shopConfig, shopConfigName } from '../demo/shop-config.ts';
import { systemClock, type Timer } from '../lib/clock.ts';
import { startApp } from '../runtime/app.ts';
import type { RunningApp } from '../runtime/running-app.ts';
import type { Endangered } from './defects.ts';
import type { Stoppable } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

export interface DemoRunOptions {
  /** At least one. */
  readonly scenarios: readonly Scenario[];
  /** Where the proxy and the admin interface listen, as the flags say it. */
  readonly egress: string;
  readonly admin: string;
  /** Infinity: until somebody stops it. */
  readonly endsAfterMs: number;
  readonly terminal: Terminal;
}

/**
 * The shop, its traffic and the sidecar, in one process: nothing can be left behind, it starts at once, and it runs from
 * the bundle. At the demo's hundred requests a second the services and their callers take the sidecar little time.
 */
export class DemoRun implements Stoppable, Endangered {
  readonly #options: DemoRunOptions;
  readonly #shop = new Shop({ clock: systemClock, random: Math.random });
  readonly #schedule;
  readonly #run: ScheduleRun;
  readonly #endRequest = Promise.withResolvers<void>();
  #started: Promise<unknown> = Promise.resolve();
  #startedAt = systemClock.now();
  #app: RunningApp | null = null;
  #endTimer: Timer | null = null;

  constructor(options: DemoRunOptions) {
    this.#options = options;
    this.#schedule = makeSchedule(options.scenarios);
    this.#run = new ScheduleRun(this.#schedule, systemClock, (step) => this.#take(step));
  }

  /** Resolves when its time is over, or when the admin interface is asked to drain. */
  get drainRequested(): Promise<void> {
    return this.#endRequest.promise;
  }

  /** Resolves with what is wrong with the flags; rejects with a `StartError`. Either way nothing is left open. */
  start(): Promise<readonly Problem[]> {
    const starting = this.#start();
    this.#started = starting.catch(() => {});
    return starting;
  }

  /** Nobody waits for the shop's answers: it ends at once. */
  async drain(): Promise<void> {
    await this.#started;
    await this.close();
  }

  async close(): Promise<void> {
    this.#run.stop();
    this.#endTimer?.cancel();
    await Promise.all([this.#shop.close(), this.#app?.close()]);
  }

  noteDefect(error: unknown): void {
    const { terminal } = this.#options;
    terminal.complain(`outrigger: a defect: ${error instanceof Error ? error.stack : String(error)}`);
  }

  async #start(): Promise<readonly Problem[]> {
    const { egress, admin } = this.#options;
    try {
      await this.#shop.open();
      const parsed = parseSettings(shopConfig, shopConfigName, this.#shop.variables, [
        { path: ['egress', 'address'], text: egress, origin: '--egress' },
        { path: ['admin', 'address'], text: admin, origin: '--admin' },
      ]);
      if (!parsed.ok) {
        await this.close();
        return parsed.problems;
      }
      this.#app = await startApp(parsed.settings, {
        source: shopConfigName,
        logLine: (line) => this.#say(narrate(line)),
      });
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#begin(this.#app);
    return [];
  }

  #begin(app: RunningApp): void {
    const { terminal, endsAfterMs } = this.#options;
    const places = {
      egress: formatListenAddress(app.egress),
      admin: formatListenAddress(app.admin),
      program: programAsTyped(terminal),
      endsAfterMs,
    };
    for (const line of introduce(places, this.#schedule.steps)) terminal.print(line);
    this.#startedAt = systemClock.now();
    this.#shop.traffic.start(app.egress);
    this.#run.start();
    terminal.print(`${this.#elapsed()}  all is well`);
    app.drainRequested.then(this.#endRequest.resolve);
    if (!Number.isFinite(endsAfterMs)) return;
    this.#endTimer = systemClock.after(endsAfterMs, this.#endRequest.resolve);
  }

  #take(scheduled: ScheduledStep): void {
    const { terminal } = this.#options;
    const { scenario, step, isFirst } = scheduled;
    for (const command of scenario.commands) {
      const tally = this.#shop.traffic.takeTally(command);
      if (!isFirst) this.#say(sumUp(command, tally));
    }
    step.act(this.#shop);
    const elapsedMs = systemClock.now() - this.#startedAt;
    for (const line of announce(elapsedMs, scheduled)) terminal.print(line);
  }

  /** What came of it, below the step that it belongs to. */
  #say(text: string | null): void {
    if (text !== null) this.#options.terminal.print(`${this.#elapsed()}    ${text}`);
  }

  #elapsed(): string {
    return formatElapsed(systemClock.now() - this.#startedAt);
  }
}

/** In a checkout, where npm started the demo, there is no `outrigger` on the path. */
const programAsTyped = ({ env }: Terminal): string =>
  env['npm_lifecycle_event'] === undefined ? 'outrigger' : 'node_modules/.bin/node bin/outrigger.js';

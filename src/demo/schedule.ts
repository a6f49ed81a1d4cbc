import type { Clock, Timer } from '../lib/clock.ts';
import type { Scenario, ScenarioStep } from './scenarios.ts';

/** A step of a scenario and when it is. */
export interface ScheduledStep {
  /** Since the beginning of the round. */
  readonly atMs: number;
  readonly scenario: Scenario;
  readonly step: ScenarioStep;
  readonly isFirst: boolean;
  /** The scenario that begins after the calm that this step ends in; null: the step is not its scenario's last. */
  readonly next: Scenario | null;
}

/** A round of scenarios, one after the other. */
export interface Schedule {
  readonly steps: readonly ScheduledStep[];
  /** From the beginning of one round to that of the next. */
  readonly roundMs: number;
}

/** How long all is well before each scenario: enough to see what normal looks like, and for breakers to close. */
export const calmMs = 12_000;

/** The scenarios in the order given, each after a calm. */
export const makeSchedule = (scenarios: readonly Scenario[]): Schedule => {
  const steps: ScheduledStep[] = [];
  let endMs = 0;
  for (const [place, scenario] of scenarios.entries()) {
    const following = scenarios[(place + 1) % scenarios.length] ?? scenario;
    const beginMs = endMs + calmMs;
    scenario.steps.forEach((step, index) => {
      endMs = beginMs + step.atMs;
      const next = index === scenario.steps.length - 1 ? following : null;
      steps.push({ atMs: endMs, scenario, step, isFirst: index === 0, next });
    });
  }
  return { steps, roundMs: endMs };
};

/** Goes through a schedule again and again, until it is stopped. */
export class ScheduleRun {
  readonly #schedule: Schedule;
  readonly #clock: Clock;
  readonly #onStep: (step: ScheduledStep) => void;
  #timer: Timer | null = null;

  constructor(schedule: Schedule, clock: Clock, onStep: (step: ScheduledStep) => void) {
    this.#schedule = schedule;
    this.#clock = clock;
    this.#onStep = onStep;
  }

  start(): void {
    this.#wait(0, this.#clock.now());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** For the step of that index in the round that began at `roundBeganAt`. */
  #wait(index: number, roundBeganAt: number): void {
    const { steps, roundMs } = this.#schedule;
    const step = steps[index];
    if (step === undefined) {
      this.#wait(0, roundBeganAt + roundMs);
      return;
    }
    const leftMs = Math.max(0, roundBeganAt + step.atMs - this.#clock.now());
    this.#timer = this.#clock.after(leftMs, () => {
      this.#onStep(step);
      this.#wait(index + 1, roundBeganAt);
    });
  }
}

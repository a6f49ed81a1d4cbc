import type { Clock } from '../lib/clock.ts';
import type { BusListener } from '../telemetry/bus.ts';
import type { BreakerTransition, ExchangeEnded } from '../telemetry/events.ts';

/** What became of the calls of one command since the start; the same figures as in the metrics. */
export interface CommandTally {
  /** `upstream`, `upstream.route`, or `host:port` of an unlisted destination. */
  readonly command: string;
  readonly calls: number;
  /** Calls that ended in a failure, whatever answer the app was given for it. */
  readonly failed: number;
  /** Calls that were not sent: a policy or a rule refused them. */
  readonly refused: number;
  /** Calls that the fallback answered; they are neither failed nor refused. */
  readonly fallback: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** From its breaker's opening to its closing, or until now, in ms. */
  readonly openMs: number;
}

type Figures = { -readonly [Key in Exclude<keyof CommandTally, 'openMs'>]: CommandTally[Key] };

/** Unlisted destinations that are counted each by itself. */
const MAX_UNLISTED = 100;
/** Commands of which it is noted how long their breaker was open. */
const MAX_OPEN_TIMES = 1000;

/** What counts those beyond: no destination is called like this. */
export const otherDestinations = '(other destinations)';
/** What counts the calls that found no destination: refused by a rule of the wire, or named by no upstream. */
export const nowhere = '(no destination)';

const commandOf = ({ upstream, route }: ExchangeEnded): string => {
  if (upstream === '') return nowhere;
  return route === '' ? upstream : `${upstream}.${route}`;
};

/** How long the breaker of a command has not been closed. */
interface OpenTime {
  pastMs: number;
  /** null: it is closed. */
  since: number | null;
}

/** Counts calls by command, from the events that the metrics count too: for somebody who asks once, at the end. */
export class CallTally implements BusListener {
  readonly #clock: Clock;
  readonly #commands = new Map<string, Figures>();
  readonly #openTimes = new Map<string, OpenTime>();
  #unlisted = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  exchangeEnded(ended: ExchangeEnded): void {
    const figures = this.#figuresOf(ended);
    figures.calls += 1;
    figures.retries += Math.max(0, ended.attempts - 1);
    if (ended.fallback === 'served') figures.fallback += 1;
    else if (ended.outcome.kind === 'failure') figures.failed += 1;
    else if (ended.outcome.kind === 'rejected') figures.refused += 1;
  }

  breakerTransition({ command, to }: BreakerTransition): void {
    const now = this.#clock.now();
    const time = this.#openTimes.get(command);
    if (time === undefined) {
      const isNoted = to !== 'closed' && this.#openTimes.size < MAX_OPEN_TIMES;
      if (isNoted) this.#openTimes.set(command, { pastMs: 0, since: now });
    } else if (to !== 'closed') time.since ??= now;
    else {
      time.pastMs += time.since === null ? 0 : now - time.since;
      time.since = null;
    }
  }

  /** The commands that were called, by name; what has none comes last. */
  read(): readonly CommandTally[] {
    return [...this.#commands.values()]
      .map((figures) => ({ ...figures, openMs: this.#openMs(figures.command) }))
      .sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  }

  #openMs(command: string): number {
    const time = this.#openTimes.get(command);
    if (time === undefined) return 0;
    return time.pastMs + (time.since === null ? 0 : this.#clock.now() - time.since);
  }

  #figuresOf(ended: ExchangeEnded): Figures {
    const command = commandOf(ended);
    const known = this.#commands.get(command);
    if (known !== undefined) return known;
    if (!ended.isUnlisted) return this.#add(command);
    if (this.#unlisted >= MAX_UNLISTED) {
      return this.#commands.get(otherDestinations) ?? this.#add(otherDestinations);
    }
    this.#unlisted += 1;
    return this.#add(command);
  }

  #add(command: string): Figures {
    const figures = { command, calls: 0, failed: 0, refused: 0, fallback: 0, retries: 0 };
    this.#commands.set(command, figures);
    return figures;
  }
}

/** A parenthesis sorts behind every name. */
const sortKey = ({ command }: CommandTally): string => command.replace('(', '\u{10ffff}');

import CircuitBreaker from 'opossum';
import { AttemptPermit, type PermitIssuer } from './attempt-permit.ts';
import { durationInWords, explain, forcedWords, reasonFor, whyItOpens } from './explain.ts';
import { Forcing } from './forcing.ts';
import type { BreakerStatus, Gate, Permit } from './gate.ts';
import { Generation } from './generation.ts';
import { brokenRule, HealthWindow, percentOf } from './health-window.ts';
import { type Outcome, type Rejected, rejected } from './outcome.ts';
import type { BreakerSettings, Force } from './policies.ts';

type StateName = BreakerStatus['state'];

/** A change of the state that callers meet: the breaker's own, or what is forced upon it. */
export interface BreakerChange {
  readonly from: StateName;
  readonly to: StateName;
  /** In words and numbers: what was counted against which limit, or who forced it. */
  readonly why: string;
}

// Every opossum instance turns its buckets on this. It never does, and takes no listeners: a real emitter would collect
// one for each breaker and warn at the eleventh.
const stillRotator = {
  on: () => stillRotator,
  removeListener: () => stillRotator,
  listenerCount: () => 1,
} as unknown as NonNullable<CircuitBreaker.Options['rotateBucketController']>;

const neverRun = () => Promise.resolve();

/** An opossum instance that holds a state and nothing else: it never runs anything, never judges and never wakes up. */
const newCircuit = (name: string, state: 'closed' | 'half_open'): CircuitBreaker => {
  const options = {
    name,
    state: { closed: state === 'closed', halfOpen: state === 'half_open' },
    timeout: false as const,
    // The longest that a timer can be: an open instance is replaced by our date long before.
    resetTimeout: 2 ** 31 - 1,
    rollingCountBuckets: 1,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController: stillRotator,
  };
  return new CircuitBreaker(neverRun, options);
};

// An instance takes 5 KiB and 15 µs, and nearly all breakers are closed nearly always: until the first trip of its life a
// breaker shares this one, which is never opened.
const closedCircuit = newCircuit('closed', 'closed');

// Neither open nor half-open nor to be judged.
const retiredCircuit = newCircuit('retired', 'closed');
retiredCircuit.shutdown();

/**
 * Hystrix's circuit breaker for one command: the gate. Closed, it admits everything and the votes in its
 * {@link HealthWindow} are judged at each failure and each slow attempt; open, it refuses until the sleep is over; the
 * first attempt strictly after that makes it half-open, where only probes pass: `probes` successes close it with an
 * empty window, one failure (or one probe that is too slow) reopens it for a full sleep. A probe that proves nothing
 * gives its place back, and those of whom nothing was heard for a whole sleep are given up (decision 15).
 *
 * There is no timer: a date is compared when somebody asks. The state is the opossum instance's and is kept nowhere
 * else. Each change of state begins a new {@link Generation}, so that a straggler from before the trip can neither close
 * the circuit nor prolong its sleep (Hystrix issues 1853 and 1861).
 *
 * Forced open, nothing passes; forced closed, everything does, while the state underneath goes on judging unseen.
 */
export class Breaker implements Gate, PermitIssuer {
  readonly name: string;
  readonly #onTransition: (change: BreakerChange) => void;
  #settings: BreakerSettings;
  #circuit = closedCircuit;
  #generation: Generation;
  #health: HealthWindow;
  #forcing: Forcing;
  /** The state that was last told to `onTransition`. */
  #shown: StateName;

  /** `onTransition` is called when the change is complete, and may use the breaker at once. `now`: its birth. */
  constructor(
    name: string,
    settings: BreakerSettings,
    onTransition: (change: BreakerChange) => void,
    now: number,
  ) {
    this.name = name;
    this.#settings = settings;
    this.#onTransition = onTransition;
    this.#generation = new Generation(now, '');
    this.#health = new HealthWindow(settings.windowMs);
    this.#forcing = new Forcing(settings.force, 'configuration');
    this.#shown = this.visibleState;
  }

  peek(now: number): Rejected | null {
    const { force } = this.#forcing;
    if (force !== 'none') return force === 'open' ? this.#forcing.refusal(this.configuredForce, now) : null;
    const { state } = this;
    const restMs = state === 'closed' ? -1 : this.#restMs(now);
    if (restMs < 0) return null;
    const why = state === 'open' ? this.#generation.why : 'a probe has not answered yet';
    return rejected('circuit_open', restMs, why);
  }

  acquire(now: number): Permit | Rejected {
    const refusal = this.peek(now);
    if (refusal !== null) return refusal;
    const { state } = this;
    if (state === 'closed' || this.#forcing.force === 'closed') {
      return new AttemptPermit(this, this.#generation, null);
    }
    if (state === 'open') this.#becomeHalfOpen(now);
    const round = this.#generation.beginProbe(this.#settings.probes, now);
    const probe = new AttemptPermit(this, this.#generation, round);
    this.#announce('the sleep is over, probing');
    return probe;
  }

  /** For the breaker's own permits. */
  settle({ generation, round }: AttemptPermit, outcome: Outcome, elapsedMs: number, now: number): void {
    if (generation !== this.#generation) return;
    if (round !== null) round.inFlight -= 1;
    if (outcome.kind === 'rejected' || outcome.kind === 'cancelled') return;

    const isIgnored = outcome.kind === 'success' && outcome.isIgnored;
    const isSlow = !isIgnored && elapsedMs > this.#settings.slowerThanMs;
    if (outcome.kind === 'failure') this.#health.addFailure(now);
    else if (!isIgnored) this.#health.addSuccess(now);
    if (isSlow) this.#health.addSlow(now);

    if (round !== null) this.#judgeProbe(outcome, isSlow, elapsedMs, now);
    else if (outcome.kind === 'failure' || isSlow) this.#judge(now);
  }

  /** For the breaker's own permits. */
  addBodyFailure({ generation }: AttemptPermit, now: number): void {
    if (generation !== this.#generation) return;
    this.#health.turnToFailure(now);
    this.#judge(now);
  }

  /** The bulkhead refused a request. Votes as a failure where `countRejections` is set, as in Hystrix; else nothing. */
  addRejection(now: number): void {
    if (!this.#settings.countRejections || !this.#circuit.closed) return;
    this.#health.addFailure(now);
    this.#judge(now);
  }

  /**
   * Takes new limits over in place; they are compared at the next settled attempt. The state stays; a window of another
   * length starts empty. What was forced by hand stays too, and gives way to the new configuration in its time.
   */
  update(settings: BreakerSettings): void {
    const previous = this.#settings;
    this.#settings = settings;
    if (settings.windowMs !== previous.windowMs) this.#health = new HealthWindow(settings.windowMs);
    if (settings.force !== previous.force && !this.isOverridden) this.endOverride();
  }

  /** By hand, for `forMs` (Infinity: until it is lifted); `none` also lifts what the configuration forces. */
  force(force: Force, now: number, forMs = Number.POSITIVE_INFINITY): void {
    this.#impose(new Forcing(force, 'hand', now + forMs));
  }

  /** Back to what the configuration forces. */
  endOverride(): void {
    this.#impose(new Forcing(this.configuredForce, 'configuration'));
  }

  /** True while it is forced open or closed by hand. */
  get isOverridden(): boolean {
    return this.#forcing.isOverride;
  }

  /** What the configuration forces, whatever is forced by hand. */
  get configuredForce(): Force {
    return this.#settings.force;
  }

  /** Its own state, whatever is forced. */
  get state(): StateName {
    if (this.#circuit.opened) return 'open';
    return this.#circuit.halfOpen ? 'half_open' : 'closed';
  }

  /** The command is gone: lets go of what opossum holds. From then on its own state admits everything and moves no more. */
  retire(now: number): void {
    this.#replaceCircuit(retiredCircuit);
    this.#generation = new Generation(now, '');
  }

  status(now: number): BreakerStatus {
    const { state } = this;
    const { force, by } = this.#forcing;
    const votes = this.#health.votes(now);
    const facts = {
      state,
      inStateMs: now - this.#generation.since,
      force,
      forcedBy: force === 'none' ? null : by,
      forceEndsInMs: this.#forcing.endsInMs(now),
      isOpen: this.visibleState !== 'closed',
      ...votes,
      errorPercent: percentOf(votes.errors, votes.total),
      slowPercent: percentOf(votes.slow, votes.total),
      probes: this.#generation.progress(this.#settings.probes),
      nextProbeInMs: state === 'closed' ? -1 : Math.max(0, this.#restMs(now)),
    };
    const { why: opened } = this.#generation;
    const words = [facts, this.#settings, opened] as const;
    return { ...facts, why: explain(...words), reason: reasonFor(...words) };
  }

  /** What callers meet: what is forced, else its own state. */
  get visibleState(): StateName {
    return this.#forcing.force === 'none' ? this.state : this.#forcing.force;
  }

  #impose(forcing: Forcing): void {
    this.#forcing = forcing;
    const { why } = this.#generation;
    const released = `no longer forced${why && `; ${why}`}`;
    this.#announce(forcing.force === 'none' ? released : forcedWords(forcing.force, forcing.by));
  }

  /** While it is not closed: for how long it lets no probe through; below 0: one may go. */
  #restMs(now: number): number {
    const { since } = this.#generation;
    const from = this.#circuit.opened ? since : this.#generation.restsFrom(this.#settings.probes);
    return from + this.#settings.sleepMs - now;
  }

  #judge(now: number): void {
    if (!this.#circuit.closed) return;
    const votes = this.#health.votes(now);
    const rule = brokenRule(votes, this.#settings);
    if (rule !== null) this.#open(whyItOpens(rule, votes, this.#settings), now);
  }

  #judgeProbe(outcome: Outcome, isSlow: boolean, elapsedMs: number, now: number): void {
    if (outcome.kind === 'failure') {
      this.#open(`the probe failed: ${outcome.reason}`, now);
    } else if (isSlow) {
      // Closing on it would let a full volume of equally slow requests through before it could open again.
      this.#open(`the probe took ${durationInWords(elapsedMs)}`, now);
    } else {
      const succeeded = this.#generation.addSuccess();
      if (succeeded >= this.#settings.probes) this.#close(succeeded, now);
    }
  }

  #open(why: string, now: number): void {
    if (this.#circuit === closedCircuit) this.#replaceCircuit(newCircuit(this.name, 'closed'));
    this.#circuit.open();
    this.#generation = new Generation(now, why);
    this.#announce(`${why}; next probe in ${durationInWords(this.#settings.sleepMs)}`);
  }

  /** A new instance: opossum itself becomes half-open by a timer only. */
  #becomeHalfOpen(now: number): void {
    this.#replaceCircuit(newCircuit(this.name, 'half_open'));
    this.#generation = new Generation(now, this.#generation.why);
  }

  #replaceCircuit(circuit: CircuitBreaker): void {
    if (this.#circuit !== closedCircuit) this.#circuit.shutdown();
    this.#circuit = circuit;
  }

  #close(probes: number, now: number): void {
    this.#circuit.close();
    this.#generation = new Generation(now, '');
    this.#health.reset(now);
    this.#announce(probes === 1 ? 'the probe succeeded' : `${probes} probes succeeded`);
  }

  #announce(why: string): void {
    const from = this.#shown;
    const to = this.visibleState;
    if (from === to) return;
    this.#shown = to;
    this.#onTransition({ from, to, why });
  }
}

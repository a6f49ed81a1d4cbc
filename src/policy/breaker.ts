import CircuitBreaker from 'opossum';
import { AttemptPermit, Generation, type PermitIssuer } from './attempt-permit.ts';
import type { BreakerStatus, Permit, WatchableGate } from './gate.ts';
import { formatDuration, HealthWindow } from './health-window.ts';
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

const forcedOpen: Rejected = Object.freeze(rejected('circuit_open', -1, 'forced open'));
const probesOut: Rejected = Object.freeze(rejected('circuit_open', -1, 'the probe has not answered yet'));

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
 * Hystrix's circuit breaker for one command: the gate. Closed, it admits everything and its {@link HealthWindow} judges
 * each settled attempt; open, it refuses until the sleep is over; the first attempt strictly after that makes it
 * half-open, where only probes pass: `probes` successes close it with an empty window, one failure (or one probe that
 * is too slow) reopens it for a full sleep. A probe that proves nothing gives its token back.
 *
 * There is no timer: a date is compared when somebody asks. The state is the opossum instance's and is kept nowhere
 * else. Each change of state begins a new {@link Generation}, so that a straggler from before the trip can neither close
 * the circuit nor prolong its sleep (Hystrix issues 1853 and 1861).
 *
 * Forced open, nothing passes; forced closed, everything does, while the state underneath goes on judging unseen.
 */
export class Breaker implements WatchableGate, PermitIssuer {
  readonly name: string;
  readonly #onTransition: (change: BreakerChange) => void;
  #settings: BreakerSettings;
  #circuit = closedCircuit;
  #generation: Generation;
  #health: HealthWindow;
  #force: Force;
  /** The state that was last told to `onTransition`. */
  #shown: StateName;
  /** Why the state is what it is; empty while it is closed. */
  #why = '';

  /** `onTransition` is called when the change is complete, and may use the breaker at once. */
  constructor(name: string, settings: BreakerSettings, onTransition: (change: BreakerChange) => void) {
    this.name = name;
    this.#settings = settings;
    this.#onTransition = onTransition;
    this.#generation = new Generation(0);
    this.#health = new HealthWindow(settings.windowMs);
    this.#force = settings.force;
    this.#shown = this.#visibleState();
  }

  peek(now: number): Rejected | null {
    if (this.#force !== 'none') return this.#force === 'open' ? forcedOpen : null;
    if (this.#circuit.opened) return this.#isAsleep(now) ? this.#asleep(now) : null;
    if (this.#circuit.halfOpen) return this.#hasFreeProbe() ? null : probesOut;
    return null;
  }

  acquire(now: number): Permit | Rejected {
    const refusal = this.peek(now);
    if (refusal !== null) return refusal;
    const state = this.#ownState();
    if (state === 'closed' || this.#force === 'closed') {
      return new AttemptPermit(this, this.#generation, false);
    }
    if (state === 'open') this.#becomeHalfOpen(now);
    this.#generation.probesInFlight += 1;
    const probe = new AttemptPermit(this, this.#generation, true);
    this.#announce('the sleep is over, probing');
    return probe;
  }

  /** For the breaker's own permits. */
  settle(generation: Generation, isProbe: boolean, outcome: Outcome, elapsedMs: number, now: number): void {
    if (generation !== this.#generation) return;
    if (isProbe) generation.probesInFlight -= 1;
    if (outcome.kind === 'rejected' || outcome.kind === 'cancelled') return;

    const isIgnored = outcome.kind === 'success' && outcome.isIgnored;
    const isSlow = !isIgnored && elapsedMs > this.#settings.slowerThanMs;
    if (outcome.kind === 'failure') this.#health.addFailure(now);
    else if (!isIgnored) this.#health.addSuccess(now);
    if (isSlow) this.#health.addSlow(now);

    if (isProbe) this.#judgeProbe(outcome, isSlow, elapsedMs, now);
    else if (outcome.kind === 'failure' || isSlow) this.#judge(now);
  }

  /** For the breaker's own permits. */
  addBodyFailure(generation: Generation, now: number): void {
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
   * length starts empty. A force that was set by hand survives unless the configured one has changed.
   */
  update(settings: BreakerSettings, now: number): void {
    const previous = this.#settings;
    this.#settings = settings;
    if (settings.windowMs !== previous.windowMs) this.#health = new HealthWindow(settings.windowMs);
    if (settings.force !== previous.force) this.force(settings.force, now);
  }

  force(force: Force, _now: number): void {
    this.#force = force;
    this.#announce(force === 'none' ? `no longer forced${this.#why && `; ${this.#why}`}` : `forced ${force}`);
  }

  /** What the configuration forces, whatever is forced by hand. */
  get configuredForce(): Force {
    return this.#settings.force;
  }

  /** The command is gone: lets go of what opossum holds. From then on it admits everything and moves no more. */
  retire(now: number): void {
    this.#replaceCircuit(retiredCircuit);
    this.#generation = new Generation(now);
  }

  status(now: number): BreakerStatus {
    const state = this.#ownState();
    return {
      state,
      force: this.#force,
      isOpen: this.#visibleState() !== 'closed',
      total: this.#health.total(now),
      errors: this.#health.errors(now),
      slow: this.#health.slow(now),
      errorPercent: this.#health.errorPercent(now),
      nextProbeInMs: state === 'open' ? this.#sleepLeft(now) : -1,
      why: this.#explain(state, now),
    };
  }

  #ownState(): StateName {
    if (this.#circuit.opened) return 'open';
    return this.#circuit.halfOpen ? 'half_open' : 'closed';
  }

  #visibleState(): StateName {
    return this.#force === 'none' ? this.#ownState() : this.#force;
  }

  #isAsleep(now: number): boolean {
    return now <= this.#generation.since + this.#settings.sleepMs;
  }

  #sleepLeft(now: number): number {
    return Math.max(0, this.#generation.since + this.#settings.sleepMs - now);
  }

  #asleep(now: number): Rejected {
    return rejected('circuit_open', this.#sleepLeft(now), this.#why);
  }

  #hasFreeProbe(): boolean {
    return this.#generation.probesInFlight < this.#settings.probes;
  }

  #judge(now: number): void {
    if (!this.#circuit.closed) return;
    const why = this.#health.verdict(this.#settings, now);
    if (why !== null) this.#open(why, now);
  }

  #judgeProbe(outcome: Outcome, isSlow: boolean, elapsedMs: number, now: number): void {
    if (outcome.kind === 'failure') {
      this.#open(`the probe failed: ${outcome.reason}`, now);
    } else if (isSlow) {
      // Closing on it would let a full volume of equally slow requests through before it could open again.
      this.#open(`the probe took ${formatDuration(elapsedMs)}`, now);
    } else {
      this.#generation.probesSucceeded += 1;
      if (this.#generation.probesSucceeded >= this.#settings.probes) this.#close(now);
    }
  }

  #open(why: string, now: number): void {
    if (this.#circuit === closedCircuit) this.#replaceCircuit(newCircuit(this.name, 'closed'));
    this.#circuit.open();
    this.#generation = new Generation(now);
    this.#why = why;
    this.#announce(`${why}; next probe in ${formatDuration(this.#settings.sleepMs)}`);
  }

  /** A new instance: opossum itself becomes half-open by a timer only. */
  #becomeHalfOpen(now: number): void {
    this.#replaceCircuit(newCircuit(this.name, 'half_open'));
    this.#generation = new Generation(now);
  }

  #replaceCircuit(circuit: CircuitBreaker): void {
    if (this.#circuit !== closedCircuit) this.#circuit.shutdown();
    this.#circuit = circuit;
  }

  #close(now: number): void {
    const probes = this.#generation.probesSucceeded;
    this.#circuit.close();
    this.#generation = new Generation(now);
    this.#health.reset(now);
    this.#why = '';
    this.#announce(probes === 1 ? 'the probe succeeded' : `${probes} probes succeeded`);
  }

  #announce(why: string): void {
    const from = this.#shown;
    const to = this.#visibleState();
    if (from === to) return;
    this.#shown = to;
    this.#onTransition({ from, to, why });
  }

  #explain(state: StateName, now: number): string {
    const force = this.#force === 'none' ? '' : `forced ${this.#force}; underneath: `;
    if (state === 'closed') return `${force}${this.#health.describe(now)}`;
    if (state === 'half_open') return `${force}probing; opened because ${this.#why}`;
    const left = this.#sleepLeft(now);
    const next = this.#isAsleep(now)
      ? `next probe in ${formatDuration(left)}`
      : 'the next request is a probe';
    return `${force}${this.#why}; ${next}`;
  }
}

import assert from 'node:assert/strict';
import { Breaker, type BreakerChange } from '../../src/policy/breaker.ts';
import type { BreakerStatus, Permit } from '../../src/policy/gate.ts';
import { failure, type Outcome, type Rejected, success } from '../../src/policy/outcome.ts';
import type { BreakerSettings } from '../../src/policy/policies.ts';
import { defaultPolicy } from '../rig/default-policy.ts';

/** The defaults of the documentation. */
export const defaults: BreakerSettings = defaultPolicy.breaker;

export const good: Outcome = success(200);
export const bad: Outcome = failure('reset', false);
export const late: Outcome = failure('attempt_timeout', false);

/** A breaker and the time, so that a test reads as a story. */
export class Rig {
  readonly changes: BreakerChange[] = [];
  settings: BreakerSettings;
  readonly breaker: Breaker;
  now = 1000;

  constructor(settings: Partial<BreakerSettings> = {}) {
    this.settings = { ...defaults, ...settings };
    this.breaker = new Breaker('reviews', this.settings, (change) => this.changes.push(change), this.now);
  }

  get status(): BreakerStatus {
    return this.breaker.status(this.now);
  }

  get state(): string {
    return this.status.state;
  }

  get why(): string {
    return this.status.why;
  }

  get path(): string {
    return this.changes.map(({ from, to }) => `${from}→${to}`).join(' ');
  }

  admit(): Permit {
    const permit = this.breaker.acquire(this.now);
    assert.equal(permit.kind, 'permit');
    return permit as Permit;
  }

  refuse(): Rejected {
    const refusal = this.breaker.acquire(this.now);
    assert.equal(refusal.kind, 'rejected');
    return refusal as Rejected;
  }

  run(outcome: Outcome, elapsedMs = 10): void {
    this.admit().settle(outcome, elapsedMs, this.now);
  }

  /** `S` success, `F` failure, `T` timeout; each is admitted. */
  runAll(letters: string): void {
    for (const letter of letters) this.run(letter === 'S' ? good : letter === 'F' ? bad : late);
  }

  update(settings: Partial<BreakerSettings>): void {
    this.settings = { ...this.settings, ...settings };
    this.breaker.update(this.settings);
  }

  /** Opened by failures. */
  trip(): this {
    this.runAll('F'.repeat(this.settings.volume));
    assert.equal(this.state, 'open');
    return this;
  }

  sleepIsOver(): this {
    this.now += this.settings.sleepMs + 1;
    return this;
  }
}

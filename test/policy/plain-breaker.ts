import type { BreakerStatus } from '../../src/policy/gate.ts';
import type { BreakerSettings, Force } from '../../src/policy/policies.ts';

/** How an attempt ends. */
export type Verdict = 'good' | 'bad' | 'ignored' | 'gone' | 'unsent';

interface Vote {
  readonly at: number;
  readonly attempts: number;
  readonly errors: number;
  readonly slow: number;
}

/** `round`: of the probes that were let go at the same time; -1 for an attempt that is none. */
export interface PlainPermit {
  readonly era: number;
  readonly round: number;
}

/** The rules once more, as slowly and plainly as they can be written: every vote in a list, every state a word. */
export class PlainBreaker {
  settings: BreakerSettings;
  now = 0;
  state: BreakerStatus['state'] = 'closed';
  force: Force;
  forcedBy: 'hand' | 'configuration' = 'configuration';
  forcedUntil = Number.POSITIVE_INFINITY;
  era = 0;
  round = 0;
  since = 0;
  latestProbeAt = 0;
  succeeded = 0;
  lost = 0;
  failuresInARow = 0;
  votes: Vote[] = [];
  readonly out: PlainPermit[] = [];
  readonly changes: string[] = [];
  #shown: string;

  constructor(settings: BreakerSettings) {
    this.settings = settings;
    this.force = settings.force;
    this.#shown = this.#visible;
  }

  get probesOut(): number {
    return this.out.filter(({ era, round }) => era === this.era && round === this.round).length;
  }

  /** How long no probe may go: below 0 one may. */
  get restMs(): number {
    if (this.state === 'closed') return Number.NEGATIVE_INFINITY;
    if (this.state === 'open') return this.since + this.settings.sleepMs - this.now;
    const places = Math.max(1, this.settings.probes - this.succeeded);
    if (this.probesOut < places) return Number.NEGATIVE_INFINITY;
    return this.latestProbeAt + this.settings.sleepMs - this.now;
  }

  get counts(): { total: number; errors: number; slow: number } {
    const bucket = (at: number) => Math.floor(at / (this.settings.windowMs / 10));
    const counts = { total: 0, errors: 0, slow: 0 };
    for (const { at, attempts, errors, slow } of this.votes) {
      if (bucket(at) <= bucket(this.now) - 10) continue;
      counts.total += attempts;
      counts.errors += errors;
      counts.slow += slow;
    }
    return { ...counts, errors: Math.min(counts.errors, counts.total) };
  }

  acquire(): PlainPermit | null {
    if (this.force === 'open') return null;
    if (this.state === 'closed' || this.force === 'closed') return this.#leave(-1);
    if (this.restMs >= 0) return null;
    if (this.state === 'open') this.#enter('half_open');
    if (this.probesOut >= Math.max(1, this.settings.probes - this.succeeded)) {
      this.lost += this.probesOut;
      this.round += 1;
    }
    this.latestProbeAt = this.now;
    return this.#leave(this.round);
  }

  settle(permit: PlainPermit, verdict: Verdict, elapsedMs: number): void {
    this.out.splice(this.out.indexOf(permit), 1);
    if (permit.era !== this.era || verdict === 'gone' || verdict === 'unsent') return;
    const isBad = verdict === 'bad';
    const isSlow = verdict !== 'ignored' && elapsedMs > this.settings.slowerThanMs;
    if (verdict !== 'ignored') this.#vote({ attempts: 1, errors: isBad ? 1 : 0, slow: isSlow ? 1 : 0 });
    if (permit.round < 0) {
      if (isBad || isSlow) this.judge();
    } else if (isBad || isSlow) this.#enter('open');
    else {
      this.succeeded += 1;
      if (this.succeeded >= this.settings.probes) this.#enter('closed');
    }
  }

  bodyFails(permit: PlainPermit): void {
    if (permit.era !== this.era) return;
    const { errors, total } = this.counts;
    this.#vote({ attempts: errors === total ? 1 : 0, errors: 1, slow: 0 });
    this.judge();
  }

  reject(): void {
    if (!this.settings.countRejections || this.state !== 'closed') return;
    this.#vote({ attempts: 1, errors: 1, slow: 0 });
    this.judge();
  }

  update(settings: BreakerSettings): void {
    const previous = this.settings;
    this.settings = settings;
    if (settings.windowMs !== previous.windowMs) this.#forgetVotes();
    const isOverridden = this.forcedBy === 'hand' && this.force !== 'none';
    if (settings.force !== previous.force && !isOverridden) this.endOverride();
  }

  impose(force: Force, by: 'hand' | 'configuration', until = Number.POSITIVE_INFINITY): void {
    this.force = force;
    this.forcedBy = by;
    this.forcedUntil = until;
    this.#show();
  }

  endOverride(): void {
    this.impose(this.settings.force, 'configuration');
  }

  judge(): void {
    if (this.state !== 'closed') return;
    const { volume, errorPercent, slowPercent, consecutive } = this.settings;
    const { total, errors, slow } = this.counts;
    const isShare = (part: number, percent: number) => part * 100 >= percent * total && total >= volume;
    const isTooMany = isShare(errors, errorPercent) || isShare(slow, slowPercent);
    if (isTooMany || this.failuresInARow >= consecutive) this.#enter('open');
  }

  get #visible(): string {
    return this.force === 'none' ? this.state : this.force;
  }

  #leave(round: number): PlainPermit {
    const permit = { era: this.era, round };
    this.out.push(permit);
    return permit;
  }

  #vote(vote: Omit<Vote, 'at'>): void {
    this.votes.push({ at: this.now, ...vote });
    this.failuresInARow = vote.errors > 0 ? this.failuresInARow + 1 : 0;
  }

  #forgetVotes(): void {
    this.votes = [];
    this.failuresInARow = 0;
  }

  #enter(state: BreakerStatus['state']): void {
    this.state = state;
    this.era += 1;
    this.since = this.now;
    this.succeeded = 0;
    this.lost = 0;
    if (state === 'closed') this.#forgetVotes();
    this.#show();
  }

  #show(): void {
    const from = this.#shown;
    this.#shown = this.#visible;
    if (from !== this.#shown) this.changes.push(`${from} to ${this.#shown}`);
  }
}

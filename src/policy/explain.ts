import type { BreakerStatus, ProbeProgress } from './gate.ts';
import { brokenRule, type Rule, type Votes } from './health-window.ts';
import type { BreakerSettings, Force } from './policies.ts';

/** Everything that the words are made of. */
type Facts = Omit<BreakerStatus, 'why' | 'reason'>;

const twoUnits = (amount: number, size: number, unit: string, smaller: string): string => {
  const rest = amount % size;
  const whole = `${(amount - rest) / size} ${unit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smaller}`;
};

/** A duration for people: `250 ms`, `3.2 s`, `9 min 30 s`, `1 h 5 min`, `2 d 3 h`. `ms` ≥ 0 and finite. */
export const durationInWords = (ms: number): string => {
  if (Math.ceil(ms) < 1000) return `${Math.ceil(ms)} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${tenths / 10} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(seconds, 60, 'min', 's');
  const minutes = Math.round(ms / 60_000);
  if (minutes < 24 * 60) return twoUnits(minutes, 60, 'h', 'min');
  return twoUnits(Math.round(ms / 3_600_000), 24, 'd', 'h');
};

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const failed = ({ total, errors }: Votes, { windowMs }: BreakerSettings): string =>
  total === 0
    ? `no attempts in ${durationInWords(windowMs)}`
    : `${errors} of ${total} failed in ${durationInWords(windowMs)}`;

const tookLonger = ({ total, slow }: Votes, { slowerThanMs }: BreakerSettings): string =>
  `${slow} of ${total} took longer than ${durationInWords(slowerThanMs)}`;

const inARow = ({ failuresInARow }: Votes): string =>
  `${counted(failuresInARow, 'failure', 'failures')} in a row`;

/** Why it opens: what was counted against which limit. `rule` is the one that was broken. */
export const whyItOpens = (rule: Rule, votes: Votes, limits: BreakerSettings): string => {
  switch (rule) {
    case 'errors':
      return `${failed(votes, limits)}, limit ${limits.errorPercent} %`;
    case 'slow':
      return `${tookLonger(votes, limits)} in ${durationInWords(limits.windowMs)}, limit ${limits.slowPercent} %`;
    case 'consecutive':
      return `${inARow(votes)}, limit ${limits.consecutive}`;
  }
};

/** Why it is not open: how far each rule that is on is from its limit. */
const whyClosed = (votes: Votes, limits: BreakerSettings): string => {
  // The judge is asked only by a failure or a slow attempt, and has not been since a limit was reached.
  const rule = brokenRule(votes, limits);
  if (rule !== null) {
    return `${whyItOpens(rule, votes, limits)}; opens at the next ${rule === 'slow' ? 'slow attempt' : 'failure'}`;
  }
  let words = `${failed(votes, limits)}; opens at ${limits.errorPercent} % of at least ${limits.volume}`;
  if (Number.isFinite(limits.slowerThanMs)) {
    words += `; ${tookLonger(votes, limits)}, opens at ${limits.slowPercent} %`;
  }
  if (Number.isFinite(limits.consecutive)) words += `; ${inARow(votes)}, opens at ${limits.consecutive}`;
  return words;
};

const howFar = ({ needed, succeeded, inFlight, lost }: ProbeProgress): string =>
  `probing: ${succeeded} of ${counted(needed, 'probe', 'probes')} succeeded, ${inFlight} in flight${lost === 0 ? '' : `, ${lost} lost`}`;

const nextProbe = ({ nextProbeInMs }: Facts): string =>
  nextProbeInMs > 0 ? `next probe in ${durationInWords(nextProbeInMs)}` : 'a probe is due';

const whyThisState = (facts: Facts, limits: BreakerSettings, opened: string): string => {
  if (facts.state === 'closed') return whyClosed(facts, limits);
  if (facts.state === 'open') return `${opened}; ${nextProbe(facts)}`;
  return `${howFar(facts.probes)}, ${nextProbe(facts)}; opened because ${opened}`;
};

/** `forced open by hand`, `forced closed by the configuration`. */
export const forcedWords = (force: Force, by: BreakerStatus['forcedBy']): string =>
  `forced ${force} by ${by === 'hand' ? 'hand' : 'the configuration'}`;

const howLong = ({ forcedBy, forceEndsInMs }: Facts): string => {
  if (Number.isFinite(forceEndsInMs)) return ` for another ${durationInWords(forceEndsInMs)}`;
  return forcedBy === 'hand' ? ' until it is lifted' : '';
};

/** Why a breaker is in its state, in words and numbers. `opened`: why it last opened; not used while it is closed. */
export const explain = (facts: Facts, limits: BreakerSettings, opened: string): string => {
  const own = whyThisState(facts, limits, opened);
  if (facts.force === 'none') return own;
  return `${forcedWords(facts.force, facts.forcedBy)}${howLong(facts)}; underneath: ${own}`;
};

/**
 * The same without what changes by itself as time goes by, and without what the other fields of the status say: what was
 * counted, or what it opened for; of a forced one that which its own state has come about by.
 */
export const reasonFor = (facts: Facts, limits: BreakerSettings, opened: string): string => {
  let own = opened;
  if (facts.state === 'closed') own = whyClosed(facts, limits);
  if (facts.state === 'half_open') own = `opened because ${opened}`;
  return facts.force === 'none' ? own : `underneath: ${own}`;
};

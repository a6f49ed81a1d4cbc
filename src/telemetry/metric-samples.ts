import type { BulkheadView } from './command-figures.ts';
import type { CommandTotals } from './command-totals.ts';
import type { Commands } from './commands.ts';
import { unlistedLabel } from './commands.ts';
import { durationBoundsSeconds } from './counts.ts';
import type { BreakerStateName } from './events.ts';

/** One line of an exposition: a value under its labels. */
export interface Sample {
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/** A line of a histogram: `sharedLabels` are formatted once for all lines that carry the same object. */
export interface HistogramSample extends Sample {
  readonly metricName: string;
  readonly sharedLabels: object;
}

/** Some commands' totals: a page is made in parts. */
export type TotalsPart = readonly CommandTotals[];

/** Counters of commands, as `read` finds them in the totals of each. */
const perCommand = (
  part: TotalsPart,
  read: (totals: CommandTotals) => Iterable<readonly [Record<string, string | number>, number]>,
): Sample[] => {
  const samples: Sample[] = [];
  for (const totals of part) {
    for (const [labels, value] of read(totals)) {
      samples.push({ labels: { ...totals.labels, ...labels }, value });
    }
  }
  return samples;
};

export const requestSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [outcome, status, count] of totals.requests()) {
      yield [{ outcome, code: status === 0 ? '' : status }, count];
    }
  });

export const attemptSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [outcome, reason, count] of totals.attempts()) yield [{ outcome, reason }, count];
  });

export const rejectionSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [reason, count] of totals.rejections()) yield [{ reason }, count];
  });

export const retrySamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [reason, count] of totals.retries()) yield [{ reason }, count];
  });

export const skippedRetrySamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [reason, count] of totals.retriesSkipped()) yield [{ reason }, count];
  });

export const transitionSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [from, to, count] of totals.transitions()) yield [{ from, to }, count];
  });

export const tunnelSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    for (const [reason, count] of totals.tunnels()) yield [{ reason }, count];
  });

/** For commands that had a tunnel: bytes in each direction, as the client sees it. */
export const tunnelByteSamples = (part: TotalsPart): Sample[] =>
  perCommand(part, function* (totals) {
    const { tunnelSentBytes, tunnelReceivedBytes } = totals;
    if (tunnelSentBytes > 0) yield [{ direction: 'sent' }, tunnelSentBytes];
    if (tunnelReceivedBytes > 0) yield [{ direction: 'received' }, tunnelReceivedBytes];
  });

/** Cumulative buckets, sum and count for each pair of labels that has seen a request. */
export const durationSamples = (name: string, part: TotalsPart): HistogramSample[] => {
  const samples: HistogramSample[] = [];
  for (const { durations, labels: sharedLabels } of part) {
    if (durations === null) continue;
    const push = (suffix: string, labels: Record<string, string | number>, value: number) => {
      samples.push({ metricName: `${name}${suffix}`, sharedLabels, labels, value });
    };
    let cumulative = 0;
    for (const [index, le] of durationBoundsSeconds.entries()) {
      cumulative += durations.buckets[index]!;
      push('_bucket', { le }, cumulative);
    }
    push('_bucket', { le: '+Inf' }, durations.count);
    push('_sum', {}, durations.sumSeconds);
    push('_count', {}, durations.count);
  }
  return samples;
};

const stateValues: Readonly<Record<BreakerStateName, number>> = { closed: 0, half_open: 1, open: 2 };

/** Listed commands: their state as a number. Unlisted ones: how many are in each state, with the label `state`. */
export const breakerStateSamples = (commands: Commands): Sample[] => {
  const samples: Sample[] = [];
  const unlisted = { closed: 0, half_open: 0, open: 0 };
  for (const { description } of commands.all()) {
    const state = description.breaker.visibleState;
    if (description.isUnlisted) unlisted[state] += 1;
    else {
      const { upstream, route } = description;
      samples.push({ labels: { upstream, route }, value: stateValues[state] });
    }
  }
  for (const [state, value] of Object.entries(unlisted)) {
    samples.push({ labels: { upstream: unlistedLabel, route: '', state }, value });
  }
  return samples;
};

/** One sample for each bulkhead, whichever commands share it; those of unlisted destinations summed. */
export const bulkheadSamples = (commands: Commands, read: (bulkhead: BulkheadView) => number): Sample[] => {
  const samples: Sample[] = [];
  const seen = new Set<BulkheadView>();
  let unlisted = 0;
  for (const { description } of commands.all()) {
    const { bulkhead, upstream } = description;
    if (seen.has(bulkhead)) continue;
    seen.add(bulkhead);
    if (description.isUnlisted) unlisted += read(bulkhead);
    else {
      // A route that has its own calls it by the command's name; the upstream's is called like the upstream.
      const route = bulkhead.name === upstream ? '' : description.route;
      samples.push({ labels: { upstream, route }, value: read(bulkhead) });
    }
  }
  samples.push({ labels: { upstream: unlistedLabel, route: '' }, value: unlisted });
  return samples;
};

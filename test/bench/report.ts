import type { Sample } from './measurement.ts';
import { baseline } from './peers.ts';
import type { Latency } from './rig-messages.ts';
import { type Quartiles, quartiles } from './statistics.ts';

/** All rounds of one peer, in the order in which they were run. */
export interface PeerSamples {
  readonly name: string;
  readonly version: string;
  /** The first second of load that it ever had; null: there was no warm-up. */
  cold: Sample | null;
  readonly samples: Sample[];
}

/** A figure over all rounds, and beside the baseline's in the same rounds. */
export interface Compared {
  readonly value: Quartiles;
  /** null where the baseline did not run. */
  readonly ratio: Quartiles | null;
}

/** One row of the table. A peer without a process has NaN (null in JSON) for what only a process has. */
export interface Summary {
  readonly name: string;
  readonly version: string;
  readonly cpuUsPerRequest: Compared;
  readonly busyRatio: Quartiles;
  readonly requestsPerSecond: Quartiles;
  /** After the last round. */
  readonly residentBytes: number;
  /** In ms; null: the load was not paced. */
  readonly latency: { readonly [Percentile in keyof Latency]: Compared } | null;
  readonly cold: ColdSummary | null;
}

/** What its first second cost, and that beside the baseline's first second. */
export interface ColdSummary {
  readonly cpuUsPerRequest: number;
  /** null where the baseline did not run. */
  readonly ratio: number | null;
  /** In ms; null: the load was not paced. */
  readonly latency: Latency | null;
}

export function summarize(results: readonly PeerSamples[]): Summary[] {
  const reference = results.find((result) => result.name === baseline);
  return results.map(({ name, version, cold, samples }) => {
    const compared = (figure: (sample: Sample) => number): Compared => ({
      value: quartiles(samples.map(figure)),
      ratio:
        reference === undefined
          ? null
          : quartiles(samples.map((sample, round) => figure(sample) / figure(reference.samples[round]!))),
    });
    const latency = (percentile: keyof Latency): Compared =>
      compared((sample) => sample.latency?.[percentile] ?? Number.NaN);
    const isPaced = samples.some((sample) => sample.latency !== null);
    return {
      name,
      version,
      cpuUsPerRequest: compared((sample) => sample.cpuUsPerRequest),
      busyRatio: quartiles(samples.map((sample) => sample.busyRatio)),
      requestsPerSecond: quartiles(samples.map((sample) => (sample.requests / sample.elapsedMs) * 1000)),
      residentBytes: samples.at(-1)?.residentBytes ?? Number.NaN,
      latency: isPaced ? { p50: latency('p50'), p90: latency('p90'), p99: latency('p99') } : null,
      cold: cold === null ? null : summarizeCold(cold, reference?.cold ?? null),
    };
  });
}

function summarizeCold(cold: Sample, reference: Sample | null): ColdSummary {
  const { cpuUsPerRequest, latency } = cold;
  const ratio = reference === null ? null : cpuUsPerRequest / reference.cpuUsPerRequest;
  return { cpuUsPerRequest, ratio, latency };
}

/** The table for people: medians, with quartiles in parentheses. */
export function renderTable(summaries: readonly Summary[]): string {
  const isPaced = summaries.some(({ latency }) => latency !== null);
  const cpu = ['CPU µs per request', `ratio to ${baseline}`, 'busy', 'RSS', 'requests/s'];
  const latency = isPaced ? ['p50 ms', 'ratio', 'p90 ms', 'p99 ms', 'ratio'] : [];
  const cold = ['first second: µs, ratio', ...(isPaced ? ['its p99 ms'] : [])];
  return layOut([['', ...latency, ...cpu, ...cold, 'version'], ...summaries.map(cells)]);
}

/** Each column as wide as its widest cell. */
export function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells(summary: Summary): string[] {
  const { cpuUsPerRequest, latency, residentBytes } = summary;
  const isProxy = !Number.isNaN(residentBytes);
  const paced =
    latency === null
      ? []
      : [
          spread(latency.p50.value, 2),
          ratioOf(latency.p50),
          spread(latency.p90.value, 2),
          spread(latency.p99.value, 2),
          ratioOf(latency.p99),
        ];
  return [
    summary.name,
    ...paced,
    isProxy ? spread(cpuUsPerRequest.value, 1) : '-',
    isProxy ? ratioOf(cpuUsPerRequest) : '-',
    isProxy ? `${Math.round(summary.busyRatio.median * 100)} %` : '-',
    isProxy ? `${Math.round(residentBytes / 1e6)} MB` : '-',
    String(Math.round(summary.requestsPerSecond.median)),
    ...coldCells(summary),
    summary.version,
  ];
}

function coldCells({ cold, latency }: Summary): string[] {
  const isProxy = cold !== null && !Number.isNaN(cold.cpuUsPerRequest);
  const ratio = cold === null || cold.ratio === null ? '' : `, ${cold.ratio.toFixed(2)}`;
  const cpu = isProxy ? `${cold.cpuUsPerRequest.toFixed(1)}${ratio}` : '-';
  return latency === null ? [cpu] : [cpu, cold?.latency?.p99.toFixed(2) ?? '-'];
}

/** A ratio with its quartiles; `-` where there is none. */
export function ratioOf({ ratio }: Compared): string {
  return ratio === null || Number.isNaN(ratio.median) ? '-' : spread(ratio, 2);
}

/** The median, with the quartiles in parentheses. */
export function spread({ lower, median, upper }: Quartiles, digits: number): string {
  return `${median.toFixed(digits)} (${lower.toFixed(digits)}–${upper.toFixed(digits)})`;
}

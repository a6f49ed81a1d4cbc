import type { Sample } from './measurement.ts';
import { baseline } from './peers.ts';
import { type Quartiles, quartiles } from './statistics.ts';

/** All rounds of one peer, in the order in which they were run. */
export interface PeerSamples {
  readonly name: string;
  readonly version: string;
  readonly samples: Sample[];
}

/** One row of the table. A peer without a process has NaN (null in JSON) for what only a process has. */
export interface Summary {
  readonly name: string;
  readonly version: string;
  readonly cpuUsPerRequest: Quartiles;
  /** To the baseline's CPU per request in the same round; null where the baseline did not run. */
  readonly ratio: Quartiles | null;
  readonly busyRatio: Quartiles;
  readonly requestsPerSecond: Quartiles;
  /** After the last round. */
  readonly residentBytes: number;
}

export function summarize(results: readonly PeerSamples[]): Summary[] {
  const reference = results.find((result) => result.name === baseline);
  return results.map(({ name, version, samples }) => ({
    name,
    version,
    cpuUsPerRequest: quartiles(samples.map((sample) => sample.cpuUsPerRequest)),
    ratio: reference === undefined ? null : quartiles(ratios(samples, reference.samples)),
    busyRatio: quartiles(samples.map((sample) => sample.busyRatio)),
    requestsPerSecond: quartiles(samples.map((sample) => (sample.requests / sample.elapsedMs) * 1000)),
    residentBytes: samples.at(-1)?.residentBytes ?? Number.NaN,
  }));
}

function ratios(samples: readonly Sample[], reference: readonly Sample[]): number[] {
  return samples.map(
    (sample, round) => sample.cpuUsPerRequest / (reference[round]?.cpuUsPerRequest ?? Number.NaN),
  );
}

/** The table for people: medians, with quartiles in parentheses. */
export function renderTable(summaries: readonly Summary[]): string {
  const header = ['', 'CPU µs per request', `ratio to ${baseline}`, 'busy', 'RSS', 'requests/s', 'version'];
  const rows = [header, ...summaries.map(cells)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
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
  const isProxy = !Number.isNaN(summary.residentBytes);
  return [
    summary.name,
    isProxy ? spread(summary.cpuUsPerRequest, 1) : '-',
    isProxy && summary.ratio !== null ? spread(summary.ratio, 2) : '-',
    isProxy ? `${Math.round(summary.busyRatio.median * 100)} %` : '-',
    isProxy ? `${Math.round(summary.residentBytes / 1e6)} MB` : '-',
    String(Math.round(summary.requestsPerSecond.median)),
    summary.version,
  ];
}

function spread({ lower, median, upper }: Quartiles, digits: number): string {
  return `${median.toFixed(digits)} (${lower.toFixed(digits)}–${upper.toFixed(digits)})`;
}

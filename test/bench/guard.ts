import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CaseResult } from './overview.ts';

/** What a minute is enough for. */
export const guardedCases = ['keepalive', 'body64k', 'short', 'tcp-small'];

/** By how much a ratio may have grown against the record before it counts: less than that is the machine's mood. */
const ALLOWED_GROWTH = 0.15;

/** By case: CPU per request as a ratio to the baseline's, the median of the run that was recorded. */
export type Ratios = Readonly<Record<string, number>>;

const recordFile = fileURLToPath(new URL('./guard-record.json', import.meta.url));

export function readRecord(): Ratios {
  return JSON.parse(readFileSync(recordFile, 'utf8')) as Ratios;
}

/** Replaces the record by what came out now. */
export function writeRecord(ratios: Ratios): void {
  writeFileSync(recordFile, `${JSON.stringify(ratios, null, 2)}\n`);
}

/** Our own ratios in what was measured; a case without the baseline has none. */
export function ratiosIn(results: readonly CaseResult[]): Ratios {
  const ratios: Record<string, number> = {};
  for (const { name, summaries } of results) {
    const ours = summaries.find((summary) => summary.name === 'outrigger');
    const median = ours?.cpuUsPerRequest.ratio?.median;
    if (median !== undefined) ratios[name] = Number(median.toFixed(3));
  }
  return ratios;
}

/** What has grown by too much, a line each; none: all is well. */
export function regressions(now: Ratios, record: Ratios): string[] {
  return Object.entries(record).flatMap(([name, recorded]) => {
    const measured = now[name];
    if (measured === undefined) return [];
    const growth = measured / recorded - 1;
    if (growth <= ALLOWED_GROWTH) return [];
    return [
      `${name}: ${measured.toFixed(2)} of the baseline, ${recorded.toFixed(2)} on record: ${(growth * 100).toFixed(0)} % more`,
    ];
  });
}

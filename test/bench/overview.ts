import { baseline, peers } from './peers.ts';
import { type Compared, layOut, ratioOf, type Summary } from './report.ts';

/** What one case came to. */
export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly summaries: readonly Summary[];
  /** Cores that were busy with something else meanwhile. Much above 0, the figures are in doubt. */
  readonly othersCores: number;
}

/** One line a figure, one column a proxy: the ratio to the baseline. */
export function renderOverview(results: readonly CaseResult[]): string {
  const columns = peers
    .map(({ name }) => name)
    .filter((name) => name !== baseline && name !== 'direct')
    .filter((name) => results.some(({ summaries }) => summaries.some((summary) => summary.name === name)));
  const line = (name: string, result: CaseResult, figure: (summary: Summary) => Compared): string[] => [
    name,
    ...columns.map((column) => {
      const summary = result.summaries.find((each) => each.name === column);
      return summary === undefined ? '-' : ratioOf(figure(summary));
    }),
    result.othersCores.toFixed(2),
  ];
  const lines = results.flatMap((result) => {
    const isPaced = result.summaries.some(({ latency }) => latency !== null);
    const cpu = line(result.name, result, ({ cpuUsPerRequest }) => cpuUsPerRequest);
    if (!isPaced) return [cpu];
    const percentiles = (['p50', 'p90', 'p99'] as const).map((percentile) =>
      line(`${result.name} ${percentile}`, result, ({ latency }) => latency![percentile]),
    );
    return [...percentiles, [`${result.name} CPU`, ...cpu.slice(1)]];
  });
  return layOut([[`÷ ${baseline}`, ...columns, 'others'], ...lines]);
}

/** A line of a panel: its query, and how it is called in the legend. */
export type Query = readonly [expression: string, legend: string];

/** A panel as it is described here; `dashboard.ts` makes what Grafana reads of it. */
export interface PanelDescription {
  readonly title: string;
  /** Behind the small i of the panel. */
  readonly about: string;
  readonly kind: 'lines' | 'stacked' | 'number' | 'states' | 'table';
  /** A unit of Grafana. */
  readonly unit: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  /** From this value on a number is yellow, and from that one red. */
  readonly limits?: readonly [yellow: number, red: number];
}

/** A row of the dashboard. */
export interface RowDescription {
  readonly title: string;
  readonly panels: readonly PanelDescription[];
}

/** Matchers for what the variables of the dashboard choose: processes. */
export const here = 'namespace=~"$namespace",job=~"$job",pod=~"$pod",instance=~"$instance"';
/** The same, and upstreams of these. */
export const chosen = `${here},upstream=~"$upstream"`;

/** How fast a counter grows; `more` are further matchers. */
export const rate = (name: string, more = ''): string =>
  `rate(outrigger_${name}{${chosen}${more}}[$__rate_interval])`;

/** Of a hundred requests so many are faster; `by` holds `le`. */
export const quantile = (share: number, by: string): string =>
  `histogram_quantile(${share}, sum by (${by}) (${rate('request_duration_seconds_bucket')}))`;

/** Any Node process has metrics of these names: only those of Outrigger. */
export const ofProcess = (expression: string): string =>
  `${expression} and on (job, instance) outrigger_build_info{${here}}`;

/** Requests that went wrong for the app. */
export const failed = rate('requests_total', ',outcome=~"failure|rejected"');
/** The legend for a command. */
export const command = '{{upstream}} {{route}}';

import { readDeployed } from './alerts.ts';

/** What tests read of the dashboard. */
export interface DashboardPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
}

interface DashboardVariable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly allValue?: string;
}

export interface DashboardJson {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly DashboardPanel[];
  readonly templating: { readonly list: readonly DashboardVariable[] };
}

/** The dashboard as it is committed. */
export const committedDashboard = (): DashboardJson => JSON.parse(readDeployed('grafana/outrigger.json'));

/**
 * A query as Grafana sends it while everything is chosen: `$name` stands for the variable's value for all, and an
 * interval for five minutes.
 */
export const filledIn = (query: string, { templating }: DashboardJson): string =>
  query.replaceAll(/\$(\w+)/g, (whole, name: string) => {
    if (name === '__rate_interval') return '5m';
    return templating.list.find((variable) => variable.name === name)?.allValue ?? whole;
  });

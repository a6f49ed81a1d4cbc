import { callRow } from './call-panels.ts';
import { limitRow } from './limit-panels.ts';
import { overviewRow } from './overview-panels.ts';
import type { PanelDescription, RowDescription } from './panel-description.ts';
import { processRow } from './process-panels.ts';

/** JSON. */
type Json = { readonly [key: string]: unknown };

const datasource = { type: 'prometheus', uid: '$datasource' };
const height = { lines: 8, stacked: 8, number: 4, states: 9, table: 8 } as const;
const columns = 24;

/** Colours of the breaker's states, as on Outrigger's own dashboard: with a word each. */
const stateMappings = [
  {
    type: 'value',
    options: {
      0: { text: 'closed', color: 'green', index: 0 },
      1: { text: 'half-open', color: 'yellow', index: 1 },
      2: { text: 'open', color: 'red', index: 2 },
    },
  },
];

const steps = (limits: PanelDescription['limits']): readonly Json[] => {
  const green = { color: 'green', value: null };
  if (limits === undefined) return [green];
  return [green, { color: 'yellow', value: limits[0] }, { color: 'red', value: limits[1] }];
};

const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] };
const allSeries = { mode: 'multi', sort: 'desc' };

/** What differs from kind to kind: the panel's type, its options, and what is drawn for each series. */
const drawing: Readonly<Record<PanelDescription['kind'], Json>> = {
  lines: { type: 'timeseries', options: { legend, tooltip: allSeries }, custom: { fillOpacity: 5 } },
  stacked: {
    type: 'timeseries',
    options: { legend, tooltip: allSeries },
    custom: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } },
  },
  number: {
    type: 'stat',
    options: {
      colorMode: 'value',
      graphMode: 'area',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    custom: {},
  },
  states: {
    type: 'state-timeline',
    options: { legend, tooltip: { mode: 'single' }, mergeValues: true, showValue: 'never', rowHeight: 0.8 },
    custom: { fillOpacity: 80, lineWidth: 0 },
  },
  table: { type: 'table', options: { showHeader: true }, custom: {} },
};

const target = (kind: PanelDescription['kind'], expr: string, legendFormat: string, index: number): Json => ({
  refId: String.fromCharCode('A'.charCodeAt(0) + index),
  datasource,
  expr,
  legendFormat,
  editorMode: 'code',
  ...(kind === 'table' ? { instant: true, range: false, format: 'table' } : { instant: false, range: true }),
});

/** The columns of a table that say nothing. */
const tidyTable = {
  id: 'organize',
  options: { excludeByName: { Time: true }, renameByName: { Value: 'sidecars' } },
};

const panel = (of: PanelDescription, id: number, gridPos: Json): Json => {
  const { type, options, custom } = drawing[of.kind];
  return {
    id,
    type,
    title: of.title,
    description: of.about,
    gridPos,
    datasource,
    targets: of.queries.map(([expr, name], index) => target(of.kind, expr, name, index)),
    transformations: of.kind === 'table' ? [tidyTable] : [],
    options,
    fieldConfig: {
      defaults: {
        unit: of.unit,
        min: 0,
        custom,
        color: { mode: of.kind === 'number' || of.kind === 'states' ? 'thresholds' : 'palette-classic' },
        mappings: of.kind === 'states' ? stateMappings : [],
        thresholds: { mode: 'absolute', steps: steps(of.kind === 'states' ? [1, 2] : of.limits) },
      },
      overrides: [],
    },
  };
};

/** Panels beside each other as long as there is room, and then below. */
const layOut = (rows: readonly RowDescription[]): readonly Json[] => {
  const panels: Json[] = [];
  let y = 0;
  for (const row of rows) {
    const id = panels.length + 1;
    panels.push({
      id,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const each of row.panels) {
      if (x + each.width > columns) {
        y += lineHeight;
        x = 0;
        lineHeight = 0;
      }
      const h = height[each.kind];
      panels.push(panel(each, panels.length + 1, { x, y, w: each.width, h }));
      x += each.width;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return panels;
};

/** A variable that holds the values of a label. All of them is `.*`, which also matches where the label is missing. */
const labelVariable = (name: string, metric: string): Json => {
  const query = `label_values(${metric}, ${name})`;
  return {
    name,
    label: name,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    options: [],
  };
};

const variables: readonly Json[] = [
  {
    name: 'datasource',
    label: 'data source',
    type: 'datasource',
    query: 'prometheus',
    refresh: 1,
    multi: false,
    includeAll: false,
    options: [],
  },
  labelVariable('namespace', 'outrigger_build_info'),
  labelVariable('job', 'outrigger_build_info{namespace=~"$namespace"}'),
  labelVariable('pod', 'outrigger_build_info{namespace=~"$namespace",job=~"$job"}'),
  labelVariable('instance', 'outrigger_build_info{namespace=~"$namespace",job=~"$job",pod=~"$pod"}'),
  labelVariable(
    'upstream',
    'outrigger_breaker_state{namespace=~"$namespace",job=~"$job",pod=~"$pod",instance=~"$instance"}',
  ),
];

/** The dashboard, as Grafana imports it. */
export const dashboard = (): Json => ({
  id: null,
  uid: 'outrigger',
  title: 'Outrigger',
  description: 'What sidecars see of the dependencies that they stand before, and what they do about it.',
  tags: ['outrigger'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  graphTooltip: 1,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  timepicker: {},
  annotations: { list: [] },
  links: [],
  templating: { list: variables },
  panels: layOut([overviewRow, callRow, limitRow, processRow]),
});

/** The same as text: what stands in `outrigger.json`. */
export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`;

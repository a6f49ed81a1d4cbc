import { readFileSync } from 'node:fs';
import { chartSchema } from './chart-schema.ts';

/** Files of other folders that the chart carries: Helm reads nothing from outside of it. */
const carried: readonly (readonly [name: string, from: string])[] = [
  ['outrigger.json', '../grafana/outrigger.json'],
  ['outrigger.rules.yaml', '../prometheus/outrigger.rules.yaml'],
];

const chart = 'chart/outrigger';

/** The files of the chart that are made, by their names: the schema of its values, dashboard and alerts. */
export const chartFiles = (): ReadonlyMap<string, string> =>
  new Map([
    [`${chart}/values.schema.json`, `${JSON.stringify(chartSchema, null, 2)}\n`],
    ...carried.map(([name, from]): readonly [string, string] => [
      `${chart}/files/${name}`,
      readFileSync(new URL(from, import.meta.url), 'utf8'),
    ]),
  ]);

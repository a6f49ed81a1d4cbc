import { existsSync, readFileSync } from 'node:fs';
import { chartSchema } from './chart-schema.ts';

/** Files of other folders that the chart carries: Helm reads nothing from outside of it. */
const carried: readonly (readonly [name: string, from: string])[] = [
  ['outrigger.json', '../grafana/outrigger.json'],
  ['outrigger.rules.yaml', '../prometheus/outrigger.rules.yaml'],
];

const chart = 'chart/outrigger';

/** The files of the chart that are made, by their names: the schema of its values, dashboard and alerts. */
export const chartFiles = (): ReadonlyMap<string, string> => {
  const files = new Map([[`${chart}/values.schema.json`, `${JSON.stringify(chartSchema, null, 2)}\n`]]);
  for (const [name, from] of carried) {
    const source = new URL(from, import.meta.url);
    if (existsSync(source)) files.set(`${chart}/files/${name}`, readFileSync(source, 'utf8'));
  }
  return files;
};

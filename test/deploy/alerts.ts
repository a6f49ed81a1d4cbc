import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../docs/pages.ts';

/** An alert, as the rule file has it. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[];
}

/** A file below `deploy/`. */
export const readDeployed = (path: string): string => readFileSync(join(root, 'deploy', path), 'utf8');

/** Where the rule file is, for programs. */
export const ruleFile: string = join(root, 'deploy/prometheus/outrigger.rules.yaml');

/** The alerts of the rule file. */
export const alerts: readonly Alert[] = (
  parse(readDeployed('prometheus/outrigger.rules.yaml')) as RuleGroups
).groups.flatMap(({ rules }) => rules);

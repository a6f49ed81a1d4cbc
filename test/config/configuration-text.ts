import assert from 'node:assert/strict';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { formatProblem, type Problem } from '../../src/config/problem.ts';
import type { Settings, UpstreamSettings } from '../../src/config/settings.ts';
import type { Environment } from '../../src/config/substitution.ts';

/** The settings of a text that must be right. */
export const settingsOf = (text: string, env: Environment = {}): Settings => {
  const parsed = parseSettings(text, 'test.yaml', env);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problems.map(formatProblem).join('\n'));
  return parsed.settings;
};

/** The upstream of that name. */
export const upstreamOf = (text: string, name: string): UpstreamSettings => {
  const upstream = settingsOf(text).upstreams.find((each) => each.name === name);
  assert.ok(upstream !== undefined);
  return upstream;
};

/** What is wrong with a text that must not be right. */
export const problemsOf = (text: string, env: Environment = {}): readonly Problem[] => {
  const parsed = parseSettings(text, 'test.yaml', env);
  assert.ok(!parsed.ok, 'was accepted');
  return parsed.problems;
};

/** The same, each as `line:column path: message`. */
export const complaintsOf = (text: string, env: Environment = {}): string[] =>
  problemsOf(text, env).map(
    (problem) => `${problem.line}:${problem.column} ${problem.path}: ${problem.message}`,
  );

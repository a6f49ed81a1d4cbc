import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../src/proxy/plan.ts';
import { byPrecedence, planFor, type RouteRule } from '../../src/proxy/route.ts';

/** `GET /path`, or `/path` for every method; the plan is called what the rule says. */
const rule = (text: string): RouteRule => {
  const [path = '', ...methods] = text.split(' ').reverse();
  return { methods, path, plan: { routeName: text } as Plan };
};

const chosen = (rules: readonly string[], method: string, path: string): string => {
  const sorted = rules.map(rule).sort(byPrecedence);
  const plan = { routeName: 'the upstream itself' } as Plan;
  const destination = { authority: { host: 'u', port: 80 }, host: null };
  return planFor({ rules: sorted, plan, destination, hostHeader: null, isTls: false }, method, path)
    .routeName;
};

for (const [what, rules, method, path, expected] of [
  ['an exact path before the prefix that matches it too', ['/a/*', '/a'], 'GET', '/a', '/a'],
  ['an exact path before a prefix as long', ['GET /a/*', '/a/b'], 'GET', '/a/b', '/a/b'],
  ['the longer prefix', ['/*', '/a/*', '/a/b/*'], 'GET', '/a/b/c', '/a/b/*'],
  ['the rule with methods before the one without', ['/a', 'POST /a'], 'POST', '/a', 'POST /a'],
  ['another rule where the method does not match', ['GET /a/b', '/a/*'], 'POST', '/a/b', '/a/*'],
  ['a prefix ends at a slash', ['/a/*'], 'GET', '/ab', 'the upstream itself'],
  ['the query counts for nothing', ['/a'], 'GET', '/a?b=/c', '/a'],
  ['a slash at the end is another path', ['/a'], 'GET', '/a/', 'the upstream itself'],
  ['the root exactly before everything', ['/*', '/'], 'GET', '/', '/'],
] as const) {
  test(`which route: ${what}`, () => {
    assert.equal(chosen(rules, method, path), expected);
    assert.equal(chosen([...rules].reverse(), method, path), expected, 'whatever the order in the file');
  });
}

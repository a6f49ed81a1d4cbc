import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../../src/proxy/plan.ts';
import { planFor } from '../../src/proxy/route.ts';
import { RouteIndex, type RouteRule } from '../../src/proxy/route-index.ts';

/** `GET /path`, or `/path` for every method; the plan is called what the rule says. */
const rule = (text: string): RouteRule => {
  const [path = '', ...methods] = text.split(' ').reverse();
  return { methods, path, plan: { routeName: text } as Plan };
};

const chosen = (rules: readonly string[], method: string, path: string): string => {
  const routes = new RouteIndex(rules.map(rule));
  const plan = { routeName: 'the upstream itself' } as Plan;
  const destination = { authority: { host: 'u', port: 80 }, host: null };
  return planFor({ routes, plan, destination, hostHeader: null, isTls: false }, method, path).routeName;
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

/** The same rule, read as the page says it: all that match, the longest first, exact before prefix, methods before none. */
const slowly = (rules: readonly string[], method: string, path: string): string => {
  const prefixOf = (written: string): string => written.replace(/\/\*$/, '');
  const matching = rules.map(rule).filter((each) => {
    const isPrefix = each.path.endsWith('/*');
    const base = prefixOf(each.path);
    const hasPath = isPrefix ? path === base || path.startsWith(`${base}/`) : path === each.path;
    return hasPath && (each.methods.length === 0 || each.methods.includes(method));
  });
  const rank = (each: RouteRule): readonly number[] => [
    -prefixOf(each.path).length,
    Number(each.path.endsWith('/*')),
    Number(each.methods.length === 0),
  ];
  const [first] = matching.sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left.map((value, i) => value - right[i]!).find((difference) => difference !== 0) ?? 0;
  });
  return first?.plan.routeName ?? 'the upstream itself';
};

test('of any routes the one that the page says is found', () => {
  const segment = fc.constantFrom('', 'a', 'b', 'ab');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const written = fc
    .tuple(fc.constantFrom('', 'GET ', 'POST ', 'POST GET '), path, fc.constantFrom('', '/*'))
    .map(([methods, start, end]) => `${methods}${start}${end}`);
  fc.assert(
    fc.property(
      fc.array(written, { maxLength: 12 }),
      fc.constantFrom('GET', 'POST'),
      path,
      (rules, method, asked) => {
        assert.equal(chosen(rules, method, asked), slowly(rules, method, asked));
      },
    ),
    { numRuns: 2000 },
  );
});

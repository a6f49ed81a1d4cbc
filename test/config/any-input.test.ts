import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { formatProblem } from '../../src/config/problem.ts';

/** Words that get far into the checks, among some that do not. */
const word = fc.oneof(
  fc.constantFrom(
    ...'admin egress upstreams defaults limits log drain timeout total attempt retry on backoff base routes name match'.split(
      ' ',
    ),
    ...'path methods hosts endpoints dns listen token address fallback headers body bodyFile bulkhead queue'.split(
      ' ',
    ),
    ...[
      '__proto__',
      'constructor',
      'toString',
      '',
      '<<',
      '1s',
      '127.0.0.1:80',
      `\${A}`,
      '${',
      '*a',
      '&a',
      '/x/*',
      'unlimited',
    ],
  ),
  fc.string({ maxLength: 8 }),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    word,
    fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, 80),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(word, tie('value'), { maxKeys: 4 }),
  ),
})).value;

const check = (text: string): void => {
  const parsed = parseSettings(text, 'any.yaml', { A: '1' });
  if (parsed.ok) return;
  assert.ok(parsed.problems.length > 0);
  for (const problem of parsed.problems) {
    assert.ok(problem.line >= 0 && problem.column >= 0 && problem.message !== '');
    assert.ok(!/[\n\r]/.test(formatProblem(problem)));
  }
};

test('whatever structure a file holds, it gives settings or problems', () => {
  fc.assert(
    fc.property(value, (any) => check(JSON.stringify(any))),
    { numRuns: 500 },
  );
});

test('whatever structure stands in an upstream, it gives settings or problems', () => {
  const upstream = fc.dictionary(word, value, { maxKeys: 6 });
  fc.assert(
    fc.property(upstream, (any) => check(JSON.stringify({ upstreams: { u: any } }))),
    { numRuns: 500 },
  );
});

test('whatever text a file holds, it gives settings or problems', () => {
  const fragment = fc.oneof(
    word,
    fc.constantFrom(
      ': ',
      '\n',
      '\n  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '|',
      '>',
      '#',
      '!',
      '%',
      '\t',
      '? ',
    ),
  );
  const text = fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, check), { numRuns: 1000 });
});

test('a file that is cut off anywhere gives settings or problems', () => {
  const whole =
    'upstreams:\n  u: { hosts: [a, "b:80"], routes: [{ name: r, match: { path: /a/* } }] }\n  v: &x {}\n  w: *x\n';
  for (let length = 0; length <= whole.length; length += 1) check(whole.slice(0, length));
});

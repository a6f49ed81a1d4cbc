import assert from 'node:assert/strict';
import { test } from 'node:test';
import { substitute } from '../../src/config/substitution.ts';
import { complaintsOf, problemsOf, settingsOf } from './configuration-text.ts';

const textOf = (text: string, env: Record<string, string>): string => {
  const result = substitute(text, env);
  assert.equal(result.kind, 'changed');
  return result.kind === 'changed' ? result.text : '';
};

test('a reference is replaced by its variable, and what was put in is not looked at again', () => {
  assert.equal(textOf(`a\${X}b\${X}`, { X: '1' }), 'a1b1');
  assert.equal(textOf(`\${X}`, { X: `\${Y}`, Y: 'no' }), `\${Y}`);
});

test('a default stands in for a variable that is missing or empty', () => {
  assert.equal(textOf(`\${X:-d:e}`, {}), 'd:e');
  assert.equal(textOf(`\${X:-d}`, { X: '' }), 'd');
  assert.equal(textOf(`\${X:-}`, {}), '');
  assert.equal(textOf(`\${X}`, { X: '' }), '');
});

test('two dollars stand for a plain reference', () => {
  assert.equal(textOf(`$\${X} \${X}`, { X: '1' }), `\${X} 1`);
});

test('a variable that is inherited from the prototype of the environment does not exist', () => {
  assert.equal(substitute(`\${toString}`, {}).kind, 'refused');
});

test('a malformed reference is refused', () => {
  for (const text of [`\${`, `\${}`, `\${1A}`, `\${A-b}`, `\${A:-\${B}}`, `\${A:-\${A:-\${A:-`]) {
    assert.equal(substitute(text, { A: '1', B: '2' }).kind, 'refused', text);
  }
});

test('a missing variable is reported with its name, where it is asked for', () => {
  assert.deepEqual(complaintsOf(`egress:\n  unlisted: \${NOPE}\n`), [
    '2:13 egress.unlisted: the environment variable NOPE is not set',
  ]);
});

test('a variable takes the type that its text has in YAML, in quotes or not', () => {
  for (const quotes of ['', '"', "'"]) {
    const settings = settingsOf(`egress:\n  maxConnections: ${quotes}\${N}${quotes}\n`, { N: '77' });
    assert.equal(settings.egress.maxConnections, 77);
  }
});

test('a token of digits stays text', () => {
  const settings = settingsOf(`admin:\n  token: \${T}\n`, { T: '0123456789' });
  assert.equal(settings.admin.token, '0123456789');
});

test('a variable cannot bring in structure', () => {
  const text = `egress:\n  unlisted: \${X}\n`;
  const problems = problemsOf(text, { X: 'allow\nadmin:\n  token: injected!' });
  assert.deepEqual(
    problems.map((problem) => problem.path),
    ['egress.unlisted'],
  );
});

test('a token that is refused is not shown', () => {
  for (const token of ['sec ret value', '"sec"', '12345678901']) {
    const [problem] = problemsOf(`admin:\n  token: ${token}\n`);
    assert.ok(!problem?.message.includes(token.slice(1, 4)), token);
  }
});

test('a bare reference within braces is explained', () => {
  const [problem] = problemsOf(`egress: { maxConnections: \${N} }\n`, { N: '7' });
  assert.match(problem?.hint ?? '', /in quotes/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitStream } from '../../src/inject/document-stream.ts';

const texts = (stream: string): string[] => splitStream(stream).map(({ text }) => text);

test('each document keeps the marker that begins it', () => {
  assert.deepEqual(texts('a: 1\n---\nb: 2\n--- # three\nc: 3\n'), [
    'a: 1\n',
    '---\nb: 2\n',
    '--- # three\nc: 3\n',
  ]);
});

test('comments and directives belong to the document after them', () => {
  assert.deepEqual(texts('# first\n\n---\na: 1\n'), ['# first\n\n---\na: 1\n']);
  assert.deepEqual(texts('a: 1\n...\n%YAML 1.2\n# second\n---\nb: 2\n'), [
    'a: 1\n...\n',
    '%YAML 1.2\n# second\n---\nb: 2\n',
  ]);
});

test('an empty document is one', () => {
  assert.deepEqual(texts('---\n---\na: 1\n---\n'), ['---\n', '---\na: 1\n', '---\n']);
});

test('what only looks like a marker is none', () => {
  for (const text of ['a: |\n  ---\n  b\n', '----\n', '---a\n', '- ---\n'])
    assert.deepEqual(texts(text), [text]);
});

test('a stream put together again is the stream, whatever it is', () => {
  const line = fc.constantFrom(
    '---',
    '...',
    '--- a',
    '# c',
    '%YAML 1.2',
    '',
    '  x: 1',
    '---\r',
    '\ufeff---',
    'b: |',
    'é',
  );
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), (lines, hasEnd) => {
      const stream = lines.join('\n') + (hasEnd ? '\n' : '');
      const parts = splitStream(stream);
      assert.equal(parts.map(({ text }) => text).join(''), stream);
      for (const { offset, text } of parts) assert.equal(stream.slice(offset, offset + text.length), text);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TextsByName } from '../../src/admin/texts-by-name.ts';

test('what changed since a pass, and what has gone, is told to who was told of that pass', () => {
  const texts = new TextsByName();
  for (const name of ['a', 'b', 'c']) texts.set(name, `${name}1`, 1);
  texts.keep(new Set(['a', 'b', 'c']), 1);
  texts.set('a', 'a1', 2);
  texts.set('b', 'b2', 2);
  texts.keep(new Set(['a', 'b']), 2);

  assert.equal(texts.changedSince(0), 'a1,b2');
  assert.equal(texts.changedSince(1), 'b2');
  assert.deepEqual(texts.removedSince(1), ['c']);
  assert.deepEqual(texts.removedSince(2), []);
});

test('a name that comes back is no longer one that has gone', () => {
  const texts = new TextsByName();
  texts.set('a', '1', 1);
  texts.keep(new Set(), 2);
  texts.set('a', '1', 3);

  assert.deepEqual(texts.removedSince(1), []);
  assert.equal(texts.changedSince(2), '1');
});

test('whoever is told from any pass on knows in the end what there is, or is told that it cannot be known', () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), text: fc.constantFrom('0', '1', '') });
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { maxLength: 3 }), { minLength: 1, maxLength: 150 }),
      fc.nat(150),
      (passes, from) => {
        const texts = new TextsByName();
        const now = new Map<string, string>();
        const reader = new Map<string, string>();
        let known = -1;
        for (const [index, steps] of passes.entries()) {
          const pass = index + 1;
          for (const { name, text } of steps) {
            if (text === '') now.delete(name);
            else now.set(name, `${name}${text}`);
          }
          for (const [name, text] of now) texts.set(name, text, pass);
          texts.keep(new Set(now.keys()), pass);
          if (pass !== from && pass !== passes.length) continue;
          if (known > 0 && texts.knowsSince(known)) {
            for (const name of texts.removedSince(known)) reader.delete(name);
          } else {
            reader.clear();
            known = 0;
          }
          for (const text of texts
            .changedSince(known)
            .split(',')
            .filter((one) => one !== ''))
            reader.set(text[0]!, text);
          known = pass;
          assert.deepEqual([...reader].sort(), [...now].sort());
        }
      },
    ),
  );
});

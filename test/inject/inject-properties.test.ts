import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { formatComplaint } from '../../src/inject/complaint.ts';
import { type InjectRequest, injectManifests } from '../../src/inject/inject-manifests.ts';
import { styles, workload } from './manifest-arbitrary.ts';

const options = { numRuns: Number(process.env['OUTRIGGER_INJECT_RUNS'] ?? 40) };

const native: InjectRequest = {
  remove: false,
  mode: 'native',
  configMap: null,
  tokenSecret: null,
  hasProxyVariables: true,
};
const classic: InjectRequest = { ...native, mode: 'classic' };
const withConfigMap: InjectRequest = { ...classic, configMap: 'policies' };
const remove: InjectRequest = { remove: true };

const inject = (text: string, request: InjectRequest): string => {
  const result = injectManifests(text, request);
  assert.ok(result.isOk, result.complaints.map((each) => formatComplaint(each, text)).join('\n'));
  return result.text;
};

/** Lines that the text with the sidecar does not have in this order, but the text without it has. */
const lostLines = (before: string, after: string): string[] => {
  const lines = after.split('\n');
  let at = 0;
  return before.split('\n').filter((line) => {
    const found = lines.indexOf(line, at);
    if (found !== -1) at = found + 1;
    return found === -1;
  });
};

/** Without what a null and an empty list or mapping say alike. */
const lean = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(lean);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, lean(each)] as const);
  return Object.fromEntries(
    entries.filter(
      ([, each]) => each !== null && !(typeof each === 'object' && Object.keys(each).length === 0),
    ),
  );
};

/** A workload, and the name of the style that it is written in. */
const written = (names: readonly string[]) =>
  fc
    .tuple(fc.constantFrom(...names), workload)
    .map(([style, data]) => ({ style, text: styles[style]!(data) }));

const all = written(Object.keys(styles));
const inLines = written(Object.keys(styles).filter((name) => !/flow|JSON|last line/.test(name)));

for (const [mode, request] of Object.entries({ native, classic, ConfigMap: withConfigMap })) {
  test(`in every style, a second injection changes not one byte: ${mode}`, () => {
    fc.assert(
      fc.property(all, ({ text }) => {
        const once = inject(text, request);
        assert.equal(inject(once, request), once);
      }),
      options,
    );
  });
}

test('in every style, what is taken out again leaves what there was', () => {
  fc.assert(
    fc.property(all, ({ text }) => {
      const without: unknown = parse(inject(inject(text, native), remove));
      assert.deepEqual(lean(without), lean(parse(text)));
    }),
    options,
  );
});

test('in every style, what is moved from native to classic is as if it had always been classic', () => {
  fc.assert(
    fc.property(all, fc.constantFrom(classic, withConfigMap), ({ text }, request) => {
      const there: unknown = parse(inject(inject(text, native), request));
      assert.deepEqual(lean(there), lean(parse(inject(text, request))));
    }),
    options,
  );
});

test('where things stand in lines, every line that was there is still there, in its order', () => {
  fc.assert(
    fc.property(inLines, ({ text }) => {
      const lost = lostLines(text, inject(text, native));
      // What held nothing holds something now.
      assert.deepEqual(
        lost.filter((line) => !/: (?:\[\]|\{\})/.test(line)),
        [],
      );
    }),
    options,
  );
});

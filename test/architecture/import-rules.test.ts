import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cyclesIn, folderOf, importsOf, readTree, type SourceFile, targetOf } from './import-graph.ts';

/** What the files of a folder may import, beside each other. */
interface Reach {
  /** Folders, or single files. */
  readonly imports: readonly string[];
  /** Folders of which only types may be imported. */
  readonly types: readonly string[];
}

const core = ['lib', 'http1', 'policy', 'upstream', 'proxy'];

/** Types only, for those on the path of a request to tell what happens without knowing who listens. */
const events = 'telemetry/events.ts';

const rules: Readonly<Record<string, Reach>> = {
  lib: { imports: [], types: [] },
  http1: { imports: ['lib'], types: [events] },
  policy: { imports: ['lib'], types: [events] },
  upstream: { imports: ['lib', 'http1', 'policy'], types: [events] },
  proxy: { imports: ['lib', 'http1', 'policy', 'upstream'], types: [events] },
  listener: { imports: core, types: [events] },
  config: { imports: ['lib'], types: ['http1', 'policy', 'upstream', events] },
  // What the log and the admin port can be told has no other home than the configuration.
  telemetry: { imports: ['lib', 'policy'], types: ['config/settings.ts'] },
  // What the screens show, in Node and in browsers: it stands by itself.
  board: { imports: [], types: [] },
  admin: { imports: ['lib', 'telemetry', 'board'], types: ['config/settings.ts'] },
  runtime: {
    imports: [...core, 'listener', 'config', 'telemetry', 'admin'],
    types: ['board/stream-events.ts'],
  },
  cli: { imports: ['lib', 'board', 'config', 'runtime', 'demo', 'inject'], types: [] },
  demo: { imports: ['lib'], types: [] },
  inject: { imports: ['lib'], types: [] },
  'main.ts': { imports: ['cli'], types: [] },
  'health.ts': { imports: ['cli'], types: [] },
};

/** Packages that are used in one place or two, so that they could be replaced there. */
const onlyImporters: Readonly<Record<string, readonly string[]>> = {
  opossum: ['policy/breaker.ts'],
  'p-retry': ['proxy/attempt-loop.ts'],
  'prom-client': ['telemetry/collected-metrics.ts', 'telemetry/metrics.ts'],
  pino: ['telemetry/log.ts'],
  // Upstreams that ask for it, and our own calls.
  undici: ['cli/admin-client.ts', 'upstream/undici-connection.ts'],
};

const maxLines = 300;

const files = readTree(fileURLToPath(new URL('../../src', import.meta.url)));

const covers = (allowed: readonly string[], target: string): boolean =>
  allowed.includes(target) || allowed.includes(folderOf(target));

/** Imports of a file that reach where its folder may not. */
function trespasses(file: SourceFile): string[] {
  const folder = folderOf(file.path);
  const reach = rules[folder];
  if (reach === undefined) return [`${file.path}: no rule for ${folder}`];
  const wrong: string[] = [];
  for (const each of file.imports) {
    const target = targetOf(file, each);
    if (target === null || folderOf(target) === folder || covers(reach.imports, target)) continue;
    if (each.isTypeOnly && covers(reach.types, target)) continue;
    wrong.push(`${file.path} imports ${each.isTypeOnly ? 'a type of ' : ''}${target}`);
  }
  return wrong;
}

test('each folder imports only what its layer may know', () => {
  assert.deepEqual(files.flatMap(trespasses), []);
});

/** A row of the table in CONTRIBUTING.md: `lib, policy; types of config/settings.ts`. */
const rowOf = ({ imports, types }: Reach): string => {
  const whole = imports.length === 0 ? 'nothing' : imports.join(', ');
  const named = types.filter((target) => target !== events);
  return named.length === 0 ? whole : `${whole}; types of ${named.join(', ')}`;
};

test('the page for contributors has the same rules', () => {
  const page = readFileSync(new URL('../../CONTRIBUTING.md', import.meta.url), 'utf8');
  const [, table = ''] = /^folder +may import\n([\s\S]*?)^```$/m.exec(page) ?? [];
  const rows = Array.from(table.matchAll(/^(\w+) +(.+)$/gm), ([, folder, reach]) => `${folder}: ${reach}`);
  const folders = Object.entries(rules).filter(([folder]) => !folder.endsWith('.ts'));
  assert.deepEqual(
    rows.toSorted(),
    folders.map(([folder, reach]) => `${folder}: ${rowOf(reach)}`).toSorted(),
  );
  const open = folders.filter(([, { types }]) => types.includes(events)).map(([folder]) => folder);
  const list = `${open.slice(0, -1).join(', ')} and ${open.at(-1)}`;
  assert.ok(page.includes(`Types of \`${events}\` are open to ${list} too`), list);
});

test('no file needs itself by way of others', () => {
  assert.deepEqual(cyclesIn(files), []);
});

test('every relative import names a file of the tree', () => {
  const paths = new Set(files.map((file) => file.path));
  const dangling = files.flatMap((file) =>
    file.imports
      .map((each) => targetOf(file, each))
      .filter((target) => target !== null && !paths.has(target))
      .map((target) => `${file.path} imports ${target}`),
  );
  assert.deepEqual(dangling, []);
});

test('the policies see nothing of the platform', () => {
  const impure = files.filter(
    (file) =>
      folderOf(file.path) === 'policy' && file.imports.some(({ specifier }) => specifier.startsWith('node:')),
  );
  assert.deepEqual(
    impure.map((file) => file.path),
    [],
  );
});

for (const [name, paths] of Object.entries(onlyImporters)) {
  test(`${name} is imported in ${paths.join(' and ')} and nowhere else`, () => {
    const importers = files.filter((file) =>
      file.imports.some(({ specifier }) => isPackage(specifier, name)),
    );
    assert.deepEqual(
      importers.map((file) => file.path),
      paths,
    );
  });
}

function isPackage(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}

test('file names are unique in the tree', () => {
  const byName = Map.groupBy(files, (file) => basename(file.path));
  const shared = [...byName.values()].filter((same) => same.length > 1);
  assert.deepEqual(
    shared.map((same) => same.map((file) => file.path)),
    [],
  );
});

test(`no file is longer than ${maxLines} lines`, () => {
  const long = files.filter((file) => file.lines > maxLines);
  assert.deepEqual(
    long.map((file) => `${file.path}: ${file.lines}`),
    [],
  );
});

test('imports are found in every form in which they are written', () => {
  const text = [
    `import { a } from './a.ts';`,
    `import type { B } from './b.ts';`,
    `import { type C } from './c.ts';`,
    `import {\n  d,\n  type D,\n} from './d.ts';`,
    `export { e } from './e.ts';`,
    `import './f.ts';`,
    `const g = await import('./g.ts');`,
    `// import { h } from './h.ts';`,
    `/* import { i } from './i.ts'; */`,
  ].join('\n');

  const found = importsOf(text).map(
    ({ specifier, isTypeOnly }) => `${specifier}${isTypeOnly ? ' (type)' : ''}`,
  );

  assert.deepEqual(found, ['./a.ts', './b.ts (type)', './c.ts', './d.ts', './e.ts', './f.ts', './g.ts']);
});

test('a circle of imports is found wherever it is entered', () => {
  const file = (path: string, ...targets: string[]): SourceFile => ({
    path,
    lines: 1,
    imports: targets.map((specifier) => ({ specifier, isTypeOnly: true })),
  });

  const cycles = cyclesIn([file('a.ts', './x/b.ts'), file('x/b.ts', './c.ts'), file('x/c.ts', './b.ts')]);

  assert.deepEqual(cycles, [['x/b.ts', 'x/c.ts', 'x/b.ts']]);
});

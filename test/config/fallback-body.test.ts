import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkFile } from '../../src/config/load-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-fallback-'));
after(() => rmSync(folder, { recursive: true }));

const MIB = 1_048_576;

/** Checks a configuration whose fallback has these keys. It stands beside the files that the tests write. */
const check = (keys: string, environment: Readonly<Record<string, string>> = {}) => {
  const path = join(folder, 'outrigger.yaml');
  writeFileSync(path, `defaults:\n  fallback:\n    on: [timeout]\n    ${keys}\n`);
  return checkFile(path, environment);
};

const bodyOf = (keys: string, environment?: Readonly<Record<string, string>>): string => {
  const result = check(keys, environment);
  assert.ok(result.ok, JSON.stringify(result));
  return Buffer.from(result.settings.unlistedPolicy.fallback.body).toString();
};

writeFileSync(join(folder, 'large'), Buffer.alloc(MIB + 1));
mkdirSync(join(folder, 'folder'));
execFileSync('mkfifo', [join(folder, 'fifo')]);

for (const [what, file, says] of [
  ['a file that is not there', 'missing', 'missing: there is no such file'],
  ['a file in a folder that is none', 'large/x', 'large/x: there is no such file'],
  ['a folder', 'folder', 'folder: is a directory'],
  ['a FIFO that nobody writes', 'fifo', 'fifo: is not a regular file'],
  ['a device', '/dev/zero', '/dev/zero: is not a regular file'],
  ['a file that cannot be read', '/proc/self/mem', '/proc/self/mem: cannot be read: EIO'],
  ['more than 1 MiB', 'large', 'large: is larger than 1MiB'],
] as const) {
  test(`a fallback's body from ${what} is refused when the configuration is read, where it is named`, () => {
    const result = check(`bodyFile: ${file}`);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(({ line, path, message }) => [line, path, message]),
      [[4, 'defaults.fallback.bodyFile', says]],
    );
  });
}

test("a fallback's body of exactly 1 MiB is taken, byte for byte", () => {
  writeFileSync(join(folder, 'exact'), Buffer.alloc(MIB, 'x'));
  assert.equal(bodyOf('bodyFile: exact'), 'x'.repeat(MIB));
  assert.equal(bodyOf(`bodyFile: ${join(folder, 'exact')}`).length, MIB, 'by its whole path too');
});

test('a body file is no template: what looks like a reference stays as it is', () => {
  const template = `{"a":"\${SECRET}","b":"{{b}}"}`;
  writeFileSync(join(folder, 'body.json'), template);
  assert.equal(bodyOf('bodyFile: body.json', { SECRET: 's' }), template);
});

test('a body in the configuration is a value like every other: the environment is put in, and nothing else', () => {
  assert.equal(
    bodyOf(`body: 'from \${REGION:-nowhere} for {{name}}'`, { REGION: 'eu' }),
    'from eu for {{name}}',
  );
  assert.equal(bodyOf(`body: 'as it is: $\${REGION}'`, { REGION: 'eu' }), `as it is: \${REGION}`);
});

test('routes that inherit a body share its bytes', () => {
  const path = join(folder, 'routes.yaml');
  const routes = [1, 2].map((n) => `{ name: r${n}, match: { path: /${n} } }`).join(', ');
  for (const keys of ['body: shared', 'bodyFile: exact']) {
    writeFileSync(
      path,
      `upstreams: { u: { fallback: { on: [timeout], ${keys} }, routes: [${routes}], endpoints: ["127.0.0.1:1"] } }`,
    );
    const result = checkFile(path, {});
    assert.ok(result.ok, JSON.stringify(result));
    const [upstream] = result.settings.upstreams;
    for (const { policy } of upstream!.routes) {
      assert.equal(policy.fallback.body, upstream!.policy.fallback.body, keys);
    }
  }
});

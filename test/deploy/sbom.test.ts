import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import project from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };
import { dashboardFiles } from '../../src/admin/dashboard-files.ts';
import { startSidecar } from '../rig/sidecar.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly (Component & { readonly 'bom-ref': string })[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const packages: Readonly<
  Record<string, { readonly version: string; readonly integrity?: string; readonly dev?: boolean }>
> = lock.packages;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['first', 'second'].map((name) => mkdtempSync(join(tmpdir(), `outrigger-${name}-`)));
after(() => folders.map((folder) => rmSync(folder, { recursive: true })));

const textOf = (name: string, folder = folders[0]!): string => readFileSync(join(folder, name), 'utf8');

before(async () => {
  for (const folder of folders)
    await promisify(execFile)(process.execPath, [join(root, 'deploy/bundle.ts'), folder]);
});

const bill = (): Bill => JSON.parse(textOf('sbom.cdx.json')) as Bill;

/** The packages of which esbuild takes code for this program: not those of which nothing is used. */
const packagesOf = async (entry: string): Promise<Set<string>> => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: folders[0]!,
    write: false,
    metafile: true,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  return new Set(used.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
};

/** And those that are served from it to browsers: whose texts are in it as they lie in their folders. */
const inDashboard = (): Set<string> => {
  const files = Object.keys(dashboardFiles().imports).map((name) => fileURLToPath(import.meta.resolve(name)));
  return new Set(files.map((file) => /node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)![0]));
};

test('the bill of materials names each package that is in the bundle, and no other', async () => {
  const named = bill().components.map(({ name, version }) => `${name}@${version}`);
  const bundled = [...(await packagesOf('src/main.ts')), ...inDashboard()].map(
    (folder) => `${folder.slice('node_modules/'.length)}@${packages[folder]!.version}`,
  );

  assert.ok(bundled.length > 20);
  assert.deepEqual(named.toSorted(), [...new Set(bundled)].sort());
});

test('each component has the version and the hash of the lock file, and comes with no development dependency', () => {
  for (const { name, version, purl, hashes } of bill().components) {
    const locked = packages[`node_modules/${name}`]!;
    assert.equal(locked.dev, undefined, name);
    assert.equal(version, locked.version);
    assert.equal(purl, `pkg:npm/${name.replace('@', '%40')}@${version}`);
    const digest = Buffer.from(hashes[0]!.content, 'hex').toString('base64');
    assert.equal(`sha512-${digest}`, locked.integrity);
  }
});

test('the bill says what needs what: all is needed by Outrigger, and by nothing that is not in it', () => {
  const { components, dependencies, metadata } = bill();
  const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set<string>();
  const follow = (ref: string): void => {
    if (reached.has(ref)) return;
    reached.add(ref);
    for (const next of needs.get(ref)!) follow(next);
  };
  follow(metadata.component.purl);

  assert.equal(metadata.component.version, project.version);
  const all = [metadata.component.purl, ...components.map((each) => each['bom-ref'])];
  assert.deepEqual([...reached].sort(), all.sort());
});

test('the health check by itself has only what it needs in it, and works', async (context) => {
  const sidecar = await startSidecar(context, {});
  const file = join(folders[0]!, 'outrigger.yaml');
  writeFileSync(file, `admin: { address: "127.0.0.1:${sidecar.admin.port}" }\n`);
  const args = [join(folders[0]!, 'health.js')];
  const env = { OUTRIGGER_CONFIG: file };

  const ready = await promisify(execFile)(process.execPath, args, { env });
  await sidecar.app.close();
  const gone = await promisify(execFile)(process.execPath, args, { env }).catch((error) => error);

  rmSync(file);
  assert.deepEqual(ready, { stdout: '', stderr: '' });
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^outrigger: no answer from [^\n]*\n$/);
  // It runs beside the sidecar every few seconds, within the same limit on memory.
  assert.deepEqual([...(await packagesOf('src/health.ts'))], ['node_modules/yaml']);
});

test('two builds make the same files, byte for byte', () => {
  for (const folder of folders)
    assert.deepEqual(readdirSync(folder).sort(), [
      'THIRD-PARTY-LICENSES.txt',
      'health.js',
      'outrigger.js',
      'package.json',
      'program.js',
      'sbom.cdx.json',
      'undici.js',
    ]);
  for (const name of readdirSync(folders[0]!))
    assert.ok(textOf(name) === textOf(name, folders[1]), `${name} is the same`);
  assert.match(
    bill().serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test('neither bundle nor bill names the machine that they were made on, or a registry', () => {
  for (const name of readdirSync(folders[0]!)) {
    const text = textOf(name);
    for (const foreign of [root, folders[0]!, process.execPath])
      assert.ok(!text.includes(foreign), `${name}: ${foreign}`);
  }
  const text = textOf('sbom.cdx.json');
  assert.ok(!text.includes('://') && !text.includes('timestamp'));
});

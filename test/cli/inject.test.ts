import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deployment, podOf, web } from '../inject/injected.ts';
import type { Finished } from './outrigger-process.ts';

const launcher = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));

/** Runs the command to its end with this on its standard input. */
const inject = (args: readonly string[], input: string | Uint8Array): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, 'inject', ...args], { env: {} });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    // It may end before it has read everything.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });

test('what comes in goes out with its sidecar, and code 0', async () => {
  const { code, stdout, stderr } = await inject([], deployment(web));
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal(podOf(stdout).initContainers?.[0]?.name, 'outrigger');
});

test('each flag does what it says', async () => {
  const flags = [
    '--classic',
    '--image',
    'own:1',
    '--config-map',
    'policies',
    '--token-secret',
    'admin',
    '--no-proxy-env',
  ];
  const { code, stdout } = await inject(flags, deployment(web));
  assert.equal(code, 0);
  const { containers, volumes } = podOf(stdout);
  assert.equal(containers[0]?.image, 'own:1');
  assert.equal(containers[0]?.env?.[0]?.valueFrom?.secretKeyRef?.name, 'admin');
  assert.equal(volumes?.[0]?.configMap?.name, 'policies');
  assert.equal(containers[1]?.env, undefined);
});

test('--remove takes out what --native put in, byte for byte', async () => {
  const { stdout } = await inject(['--native'], deployment(`${web}volumes: [{ name: tmp, emptyDir: {} }]\n`));
  const { code, stdout: removed } = await inject(['--remove'], stdout);
  assert.equal(code, 0);
  assert.equal(removed, deployment(`${web}volumes: [{ name: tmp, emptyDir: {} }]\n`));
});

test('what is wrong in the input is code 78, one line with its place, and nothing on standard output', async () => {
  const { code, stdout, stderr } = await inject([], `${deployment(web)}---\na: [\n`);
  assert.equal(code, 78);
  assert.equal(stdout, '');
  assert.match(stderr, /^stdin:\d+:\d+: [^\n]+\n$/);
});

test('a wrong command line is code 64, one line, and nothing on standard output', async () => {
  for (const [args, said] of [
    [['--native', '--classic'], /cannot be used with/],
    [['--image', 'a b'], /^--image: "a b" is not an image/],
    [['--config-map', 'Policies'], /^--config-map: "Policies" is not a name/],
    [['app.yaml'], /too many arguments/],
  ] as const) {
    const { code, stdout, stderr } = await inject(args, deployment(web));
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, said);
    assert.match(stderr, /^[^\n]+\n$/);
  }
});

test('input that is no text, or too much of it, is refused', async () => {
  const binary = await inject([], Buffer.from([0x61, 0xff, 0xfe]));
  assert.deepEqual(binary, { code: 78, stdout: '', stderr: 'stdin: is not UTF-8 text (save it as UTF-8)\n' });
  const large = await inject([], '#'.repeat(16 * 1024 * 1024 + 1));
  assert.deepEqual(large, {
    code: 78,
    stdout: '',
    stderr: 'stdin: is larger than 16MiB (inject it in parts)\n',
  });
});

test('a stream without a workload comes out as it was, and it is said', async () => {
  const text = '\ufeff# é\nkind: Service\n';
  const { code, stdout, stderr } = await inject([], text);
  assert.equal(code, 0);
  assert.equal(stdout, text);
  assert.equal(stderr, 'outrigger: there is no workload in it that gets a sidecar\n');
});

test('a large stream comes out whole', async () => {
  const rest = `---\nkind: ConfigMap\ndata: { a: ${'x'.repeat(1000)} }\n`.repeat(2000);
  const { code, stdout } = await inject([], deployment(web) + rest);
  assert.equal(code, 0);
  assert.ok(stdout.endsWith(rest));
});

test('the help names every flag, annotation and exit code', async () => {
  const { code, stdout } = await inject(['--help'], '');
  assert.equal(code, 0);
  for (const word of [
    '--native',
    '--classic',
    '--remove',
    'outrigger/inject',
    'outrigger/memory-limit',
    '78',
  ])
    assert.ok(stdout.includes(word), word);
  assert.ok(stdout.split('\n').every((line) => line.length <= 100));
});

test('the page on Kubernetes names every annotation', async () => {
  const { annotationKeys } = await import('../../src/inject/pod-wishes.ts');
  const page = readFileSync(new URL('../../deploy/kubernetes/README.md', import.meta.url), 'utf8');
  const { stdout } = await inject(['--help'], '');
  for (const key of annotationKeys) {
    assert.ok(page.includes(`\`outrigger/${key}\``), key);
    assert.ok(stdout.includes(`outrigger/${key}`), key);
  }
});

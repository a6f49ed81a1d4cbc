import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { adminTarget } from '../../src/cli/admin-client.ts';
import { runProgram } from '../../src/cli/program.ts';
import { probeAddress } from '../../src/config/probe-address.ts';
import type { ConfigText, Sidecar } from '../rig/sidecar.ts';
import { startSidecar } from '../rig/sidecar.ts';
import { freePort } from '../rig/sidecar-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-health-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const fileWith = (text: string): string => {
  files += 1;
  const path = join(folder, `${files}.yaml`);
  writeFileSync(path, text);
  return path;
};

/** Runs `outrigger health` in this process, with nothing but `env` in its environment. */
const health = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly complaints: readonly string[] }> => {
  const complaints: string[] = [];
  const print = (line: string): void => assert.fail(`standard output: ${line}`);
  const code = await runProgram(['health', ...args], {
    env,
    print,
    complain: (line) => complaints.push(line),
  });
  return { code, complaints };
};

const ready = { code: 0, complaints: [] };

/** A sidecar whose admin interface listens on this host. */
const sidecarOn = async (
  context: TestContext,
  host = '127.0.0.1',
  admin: ConfigText = {},
): Promise<{ readonly sidecar: Sidecar; readonly port: number }> => {
  const sidecar = await startSidecar(context, { admin: { address: `${host}:0`, ...admin } });
  return { sidecar, port: sidecar.admin.port };
};

test('health is silent and fine for a ready sidecar at the address that is named', async (context) => {
  const { port } = await sidecarOn(context);

  assert.deepEqual(await health([`127.0.0.1:${port}`]), ready);
  assert.deepEqual(await health([`http://127.0.0.1:${port}/`]), ready);
});

test('health takes OUTRIGGER_ADMIN as run does: before the file', async (context) => {
  const { port } = await sidecarOn(context);
  const elsewhere = fileWith(`admin: { address: 127.0.0.1:${await freePort()} }\n`);

  const env = { OUTRIGGER_ADMIN: `127.0.0.1:${port}`, OUTRIGGER_CONFIG: elsewhere };

  assert.deepEqual(await health([], env), ready);
});

test('health finds the admin interface where the configuration has moved it', async (context) => {
  const { port } = await sidecarOn(context);
  const file = fileWith(`admin:\n  address: 127.0.0.1:${port}\n`);

  assert.deepEqual(await health([], { OUTRIGGER_CONFIG: file }), ready);
  assert.deepEqual(await health(['-c', file]), ready);
  assert.deepEqual(await health(['-c', file], { OUTRIGGER_ADMIN: '' }), ready);
});

test('health asks admin.probes where the configuration has one', async (context) => {
  const probes = await freePort();
  const { sidecar } = await sidecarOn(context, '127.0.0.1', { probes: `0.0.0.0:${probes}` });
  const file = fileWith(`admin: { address: "127.0.0.1:${await freePort()}", probes: "0.0.0.0:${probes}" }\n`);

  assert.notEqual(sidecar.admin.port, probes);
  assert.deepEqual(await health([], { OUTRIGGER_CONFIG: file }), ready);
});

test('health reads an address that the configuration takes from the environment', async (context) => {
  const { port } = await sidecarOn(context);
  const file = fileWith(`admin: { address: "127.0.0.1:\${ADMIN_PORT}" }\n`);

  assert.deepEqual(await health([], { OUTRIGGER_CONFIG: file, ADMIN_PORT: String(port) }), ready);
});

test('an address that stands for all of the machine is asked on loopback', async (context) => {
  const { port } = await sidecarOn(context, '0.0.0.0', { token: 'a-long-enough-token' });
  const file = fileWith(`admin: { address: "0.0.0.0:${port}", token: a-long-enough-token }\n`);

  assert.deepEqual(await health([], { OUTRIGGER_ADMIN: `0.0.0.0:${port}` }), ready);
  assert.deepEqual(await health([], { OUTRIGGER_CONFIG: file }), ready);
});

test('the sidecar beside it is asked by a name that it answers to, whatever address it listens on', async (context) => {
  const hosts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.9', resolve));
  context.after(() => server.close());
  const { port } = server.address() as { port: number };

  assert.deepEqual(await health([], { OUTRIGGER_ADMIN: `127.0.0.9:${port}` }), ready);
  assert.deepEqual(await health([`127.0.0.9:${port}`]), ready);
  // What was typed may lead through a proxy that goes by the name.
  assert.deepEqual(hosts, ['localhost', `127.0.0.9:${port}`]);
});

test('a mistake elsewhere in the file does not make a running sidecar unhealthy', async (context) => {
  const { port } = await sidecarOn(context);
  const file = fileWith(
    `admin: { address: "127.0.0.1:${port}", token: "\${NOT_SET}" }\negress: { unlisted: nobody }\nfoo: 1\n`,
  );

  assert.deepEqual(await health([], { OUTRIGGER_CONFIG: file }), ready);
});

test('a file that says nothing of an address leaves the default one', () => {
  for (const text of ['egress: {}\n', 'admin: [1]\n', 'admin: { address: nowhere }\n', 'a: [\n', '', '[]\n'])
    assert.equal(probeAddress(fileWith(text), {}), null, text);
  assert.equal(probeAddress(join(folder, 'missing.yaml'), {}), null);
  const target = adminTarget({ url: undefined, tokenFile: undefined, env: {} });
  assert.deepEqual(target, { origin: 'http://127.0.0.1:7401', token: null });
});

test('health fails with one line when nobody answers', async () => {
  const { code, complaints } = await health([`127.0.0.1:${await freePort()}`]);

  assert.equal(code, 1);
  assert.equal(complaints.length, 1);
  assert.match(complaints[0]!, /^outrigger: no answer from http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
});

test('health gives up after two seconds, and says so', async (context) => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as { port: number };

  const { code, complaints } = await health([`127.0.0.1:${port}`]);

  assert.equal(code, 1);
  assert.match(
    complaints.join(),
    /^outrigger: no answer from http:\/\/127\.0\.0\.1:\d+ \(timeout\): [^\n]*$/,
  );
});

test('health fails with the reason while the sidecar drains', async (context) => {
  const { sidecar, port } = await sidecarOn(context);
  const drained = sidecar.app.drain();

  const { code, complaints } = await health([`127.0.0.1:${port}`]);

  assert.equal(code, 1);
  assert.match(complaints.join(), /^outrigger: not ready: [^\n]*\/readyz answered 503 [^\n]*draining[^\n]*$/);
  await drained;
});

test('what is no address is wrong usage', async () => {
  assert.equal((await health(['http://127.0.0.1:7401/path'])).code, 64);
  assert.equal((await health([], { OUTRIGGER_ADMIN: 'http://user:secret@127.0.0.1:7401' })).code, 64);
});

/**
 * `node deploy/start/code-cache.ts [FOLDER]`: keeps what V8 makes of the bundle in that folder, `dist/` without one, when the
 * sidecar starts and answers first requests. `outrigger.js` then starts from that, as long as it is the same Node on the
 * same kind of processor (decision 0029). Everything happens on loopback.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { defaultConfig } from '../../src/config/default-config.ts';
import { cacheOf, compileProgram, programIn } from './compiled-program.ts';

/** It takes about a second. */
const LONGEST_MS = 60_000;

const folder = process.argv[2] ?? fileURLToPath(new URL('../../dist', import.meta.url));
const program = programIn(resolve(folder));

/** One answer, read to its end; rejects where the status is another one than `status`. */
const ask = (port: number, target: string, status: number): Promise<void> =>
  new Promise((done, fail) => {
    const outgoing = request({ host: '127.0.0.1', port, path: target }, (response) => {
      if (response.statusCode !== status) fail(new Error(`${target}: ${response.statusCode}`));
      response.resume().once('end', done);
    });
    outgoing.once('error', fail).end();
  });

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

/** A request through the proxy, one that it answers itself, and the probe that is asked as long as it runs. */
const firstRequests = async (egress: number, admin: number): Promise<void> => {
  const upstream = createServer((_request, response) => response.end('fine')).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  await ask(egress, `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`, 200);
  await ask(egress, '/', 404);
  await ask(admin, '/readyz', 200);
  upstream.close();
  upstream.closeAllConnections();
};

const started = (): ChildProcess & { readonly stdout: NodeJS.ReadableStream } => {
  const warmUp = fileURLToPath(new URL('./warm-up.ts', import.meta.url));
  // From a file: who runs a sidecar has one.
  const config = join(mkdtempSync(join(tmpdir(), 'outrigger-cache-')), 'outrigger.yaml');
  writeFileSync(config, defaultConfig);
  process.once('exit', () => rmSync(join(config, '..'), { recursive: true }));
  const args = ['run', '-c', config, '--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const;
  // What the environment says of a sidecar is meant for another one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('OUTRIGGER_')),
  );
  const options = { stdio: [...stdio], env, timeout: LONGEST_MS, killSignal: 'SIGKILL' as const };
  const child = spawn(process.execPath, [warmUp, program, ...args], options);
  return Object.assign(child, { stdout: child.stdout! });
};

// What another Node left would only be refused.
rmSync(cacheOf(program), { force: true });
const child = started();
const exit = once(child, 'exit');
for await (const line of createInterface({ input: child.stdout })) {
  const { event, egress, admin } = JSON.parse(line) as Readonly<Record<string, string>>;
  if (event !== 'process.started') continue;
  await firstRequests(portOf(egress!), portOf(admin!));
  child.send('enough');
}
const [code] = await exit;
if (code !== 0 || !compileProgram(program).isFromCache)
  throw new Error(`no use can be made of the cache (${code})`);
process.stdout.write(`${cacheOf(program)} ${Math.round(statSync(cacheOf(program)).size / 1024)} KiB\n`);

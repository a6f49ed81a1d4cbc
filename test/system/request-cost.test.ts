/**
 * What a request costs in figures that do not depend on the machine's mood: system calls, and bytes that are allocated.
 * Who makes one of them grow on purpose writes the new figure here, and says in the commit what it is for.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { withoutProgram } from '../rig/command-client.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

const REQUESTS = 1000;

const get = 'GET /items/42 HTTP/1.1\r\nHost: items.example\r\nAccept: application/json\r\n\r\n';
const post = [
  'POST /items HTTP/1.1',
  'Host: items.example',
  'Idempotency-Key: "42"',
  'Content-Length: 4096',
  '',
  'x'.repeat(4096),
].join('\r\n');

/** A sidecar with every policy on, and a client that has asked often enough for everything to be compiled. */
const setUp = async (t: TestContext, request: string, nodeFlags: readonly string[] = []) => {
  const upstream = await startRawUpstream(t);
  const body = JSON.stringify({ data: 'x'.repeat(117) });
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write(ok(body));
  };
  const sidecar = await startSidecarProcess(
    t,
    {
      log: { access: 'errors' },
      upstreams: {
        items: { hosts: ['items.example'], endpoints: [upstream.address], breaker: { slowerThan: '1s' } },
      },
    },
    { nodeFlags },
  );
  const client = await connectRaw(t, sidecar.egress);
  const ask = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      client.send(request);
      await client.response();
    }
  };
  await ask(3 * REQUESTS);
  return { sidecar, ask };
};

/** System calls by name, of all threads, while `work` is done. */
const systemCallsDuring = async (
  t: TestContext,
  { child }: SidecarProcess,
  work: () => Promise<void>,
): Promise<ReadonlyMap<string, number>> => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-strace-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'counts');
  const tracer = spawn('strace', ['-f', '-c', '-o', file, '-p', String(child.pid)]);
  t.after(() => tracer.kill('SIGKILL'));
  // It says so when it is there.
  await once(tracer.stderr, 'data');
  await work();
  const exit = once(tracer, 'exit');
  tracer.kill('SIGINT');
  await exit;
  const calls = new Map<string, number>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, count, name] = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$/.exec(line) ?? [];
    if (name !== undefined && name !== 'total') calls.set(name, Number(count));
  }
  return calls;
};

const assertFewCalls = async (t: TestContext, request: string): Promise<void> => {
  const { sidecar, ask } = await setUp(t, request);
  const calls = await systemCallsDuring(t, sidecar, () => ask(REQUESTS));
  const each = (...names: string[]): number =>
    names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0) / REQUESTS;
  const all = JSON.stringify(Object.fromEntries(calls));
  // How often it waits, and wakes a thread, depends on how fast the others are.
  const others = [...calls.keys()].filter((name) => !/^(read|write|epoll_p?wait2?|futex)$/.test(name));

  assert.ok(each('read') <= 2.02, all);
  assert.ok(each('write') <= 2.02, all);
  assert.ok(each(...others) <= 0.05, all);
};

for (const [what, request] of [
  ['a request', get],
  ['a request whose content comes with its head', post],
] as const) {
  test(
    `${what} costs two reads, two writes, and little else`,
    {
      skip: withoutProgram('strace', ['-V']),
    },
    (t) => assertFewCalls(t, request),
  );
}

/** Loaded first: on SIGUSR2 it says what the heap holds, how often it was collected so far, and then collects it. */
const observer = `
  let collections = 0;
  new PerformanceObserver((list) => { collections += list.getEntries().length; }).observe({ entryTypes: ['gc'] });
  process.on('SIGUSR2', () => {
    const { heapUsed, external } = process.memoryUsage();
    const before = { event: 'heap', bytes: heapUsed + external, collections };
    globalThis.gc(); globalThis.gc();
    setTimeout(() => {
      const { heapUsed, external } = process.memoryUsage();
      console.error(JSON.stringify({ ...before, left: heapUsed + external, collectionsThen: collections }));
    }, 50);
  });
`;

/** What an answer of 128 bytes to a GET may allocate, JavaScript and buffers together. */
const BYTES = 5100;

test('a request allocates no more than it did', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-observer-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'observer.cjs');
  writeFileSync(file, `const { PerformanceObserver } = require('node:perf_hooks');${observer}`);
  // Nothing is collected while so little is allocated.
  const { sidecar, ask } = await setUp(t, get, [
    '--expose-gc',
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    `--require=${file}`,
  ]);
  const look = (index: number) => {
    sidecar.child.kill('SIGUSR2');
    return sidecar.logged('heap', index) as Promise<Record<string, number>>;
  };
  // What is done each second goes on meanwhile, and weighs more the slower the machine is: the least is nearest.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && least > BYTES; round += 1) {
    const before = await look(2 * round);
    await ask(REQUESTS);
    const after = await look(2 * round + 1);
    assert.equal(after['collections'], before['collectionsThen'], 'the heap was collected meanwhile');
    least = Math.min(least, (after['bytes']! - before['left']!) / REQUESTS);
  }

  t.diagnostic(`${Math.round(least)} bytes a request`);
  assert.ok(least > 0 && least <= BYTES, `${least} bytes a request`);
});

/**
 * A hundred thousand requests, on kept connections and on new ones, beside WebSockets and tunnels that talk all the time,
 * while the configuration is reloaded hundreds of times, right and wrong by turns: nothing is lost, nothing comes twice,
 * nothing is reset, and the heap is what it was. Takes about three minutes.
 *
 *     node test/experiments/reload-under-load.ts [--short]
 */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { postAdmin } from '../rig/admin-post.ts';
import { type BytePeer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import type { Owner } from '../rig/owner.ts';
import { percentile } from '../rig/percentile.ts';
import type { ConfigText } from '../rig/sidecar.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { startEchoServer } from '../rig/websocket-server.ts';
import { atMost, exactly, readOptions, reported, runExperiment } from './experiment.ts';
import { memoryOf, memoryOptions } from './sidecar-memory.ts';

const { isShort } = readOptions();
const REQUESTS = isShort ? 5000 : 100_000;
/** Half of them are right. */
const RELOADS = isShort ? 40 : 400;
const KEPT = 12;
const FRESH = 4;
const WEBSOCKETS = 50;
const TUNNELS = 20;
/** How long after the beginning of a reload a request counts as one during it. */
const SHADOW_MS = 50;

/** Somebody who says numbers and wants to hear each of them once, in order. */
interface Talker {
  readonly said: () => number;
  readonly heard: () => number;
  readonly isBroken: () => boolean;
}

const startWebSocket = async (owner: Owner, { egress }: SidecarProcess): Promise<Talker> => {
  const socket = new WebSocket(`ws://127.0.0.1:${egress.port}/`, { headers: { host: 'ws.test' } });
  owner.after(() => socket.terminate());
  let [said, heard, isBroken] = [0, 0, false];
  socket.on('close', () => {
    isBroken = true;
  });
  socket.on('error', () => {
    isBroken = true;
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.on('message', (data: Buffer) => {
    if (Number(String(data)) === heard + 1) heard += 1;
    else isBroken = true;
  });
  const timer = setInterval(() => {
    said += 1;
    socket.send(String(said));
  }, 100);
  owner.after(() => clearInterval(timer));
  return { said: () => said, heard: () => heard, isBroken: () => isBroken };
};

const talkThrough = (owner: Owner, peer: BytePeer, from: number): Talker => {
  let said = 0;
  const timer = setInterval(() => {
    said += 1;
    peer.say('x');
  }, 100);
  owner.after(() => clearInterval(timer));
  return {
    said: () => said,
    heard: () => peer.receivedBytes - from,
    isBroken: () => peer.hasEnded || peer.closed !== null,
  };
};

interface Made {
  startedAt: number;
  tookMs: number;
}

await runExperiment(
  `${REQUESTS} requests over ${RELOADS} reloads`,
  async (owner) => {
    const seen = new Map<string, number>();
    const answer = (call: { readonly path: string }, response: { end(text: string): unknown }): void => {
      seen.set(call.path, (seen.get(call.path) ?? 0) + 1);
      response.end(call.path);
    };
    const [one, two] = await Promise.all([
      startHttpUpstream(owner, answer),
      startHttpUpstream(owner, answer),
    ]);
    for (const upstream of [one, two]) upstream.server.maxRequestsPerSocket = 0;
    const echo = await startEchoServer(owner);
    const bytes = await startByteServer(owner, (peer) =>
      peer.socket.on('data', (chunk: Buffer) => peer.say(chunk)),
    );
    const taken = createServer().listen(0, '127.0.0.1');
    owner.after(() => taken.close());
    const tcpPort = await freePort();
    const extraPorts = [await freePort(), await freePort()];

    /** The dependencies that are in use, and beside them something that is different each time. */
    const config = (index: number): ConfigText => ({
      log: { access: 'errors' },
      limits: { requestHead: index % 5 === 0 ? '32KiB' : '48KiB' },
      upstreams: {
        u: {
          hosts: ['u.test'],
          endpoints: index % 2 === 0 ? [one.address] : [one.address, two.address],
          timeout: { total: `${10_000 + (index % 10)}ms` },
          bulkhead: { concurrency: 200 + (index % 3) },
          ...(index % 4 < 2 ? {} : { routes: [{ name: 'r', match: { path: '/r/*' } }] }),
        },
        ws: {
          hosts: ['ws.test'],
          endpoints: [echo.address],
          timeout: { idle: index % 2 === 0 ? '1h' : '2h' },
        },
        db: {
          protocol: 'tcp',
          listen: `127.0.0.1:${tcpPort}`,
          endpoints: [bytes.address],
          hosts: ['db.test'],
        },
        ...(index % 3 === 0 ? {} : { extra: { listen: `127.0.0.1:${extraPorts[index % 2]}` } }),
      },
    });
    const wrong = (index: number): ConfigText => {
      const good = config(index);
      if (index % 2 === 0) return { ...good, upstream: {} };
      const { port } = taken.address() as { port: number };
      return { ...good, upstreams: { ...(good['upstreams'] as object), v: { listen: `127.0.0.1:${port}` } } };
    };

    const sidecar = await startSidecarProcess(owner, config(0), { nodeOptions: memoryOptions(owner) });
    const talkers: Talker[] = [];
    for (let i = 0; i < WEBSOCKETS; i += 1) talkers.push(await startWebSocket(owner, sidecar));
    for (let i = 0; i < TUNNELS; i += 1) {
      const isConnect = i % 2 === 0;
      const peer = await connectBytes(
        owner,
        isConnect ? sidecar.egress : { host: '127.0.0.1', port: tcpPort },
      );
      if (isConnect) {
        peer.say('CONNECT db.test:1 HTTP/1.1\r\nHost: db.test:1\r\n\r\n');
        await peer.hears('\r\n\r\n');
      }
      talkers.push(talkThrough(owner, peer, peer.receivedBytes));
    }

    const made: Made[] = [];
    const wrongAnswers: Record<string, number> = {};
    let sent = 0;
    const kept = makeCaller(owner, sidecar.egress, KEPT);
    const fresh = makeCaller(owner, sidecar.egress, FRESH, false);
    const work = async (caller: typeof kept): Promise<void> => {
      while (sent < REQUESTS) {
        sent += 1;
        const path = `/${sent}`;
        const startedAt = performance.now();
        const result = await caller.call({ path });
        made.push({ startedAt, tookMs: performance.now() - startedAt });
        const isRight = result.kind === 'answer' && result.status === 200 && String(result.body) === path;
        if (!isRight) wrongAnswers[statusOrCode(result)] = (wrongAnswers[statusOrCode(result)] ?? 0) + 1;
      }
    };
    const reloads: { at: number; tookMs: number; isRight: boolean }[] = [];
    let heapAfterTen = 0;
    const write = async (text: ConfigText): Promise<number> => {
      const { admin, egress, file } = sidecar;
      const whole = {
        ...text,
        admin: { address: `127.0.0.1:${admin.port}` },
        egress: { address: `127.0.0.1:${egress.port}` },
      };
      writeFileSync(`${file}.new`, JSON.stringify(whole));
      renameSync(`${file}.new`, file);
      const at = performance.now();
      const { status } = await postAdmin(admin, '/reload');
      reloads.push({ at, tookMs: performance.now() - at, isRight: status === 200 });
      return status;
    };
    const statuses: Record<string, number> = {};
    const reload = async (): Promise<void> => {
      for (let index = 1; index <= RELOADS; index += 1) {
        const status = await write(index % 2 === 1 ? config((index + 1) / 2) : wrong(index / 2));
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (index === 20) heapAfterTen = (await memoryOf(sidecar)).heapUsed;
        // Evenly over the requests: not before they are where they should be by then.
        while (sent < (REQUESTS * index) / RELOADS) await wait(5);
      }
    };
    await Promise.all([
      reload(),
      ...Array.from({ length: KEPT }, () => work(kept)),
      ...Array.from({ length: FRESH }, () => work(fresh)),
    ]);
    await eventually('all is heard', () => talkers.every(({ said, heard }) => said() - heard() <= 1), 10_000);
    const { heapUsed } = await memoryOf(sidecar);

    const metrics = await sidecar.metrics();
    const isDuring = ({ startedAt }: Made): boolean =>
      reloads.some(({ at, tookMs }) => startedAt < at + tookMs + SHADOW_MS && startedAt > at - SHADOW_MS);
    const p99 = (some: readonly Made[]): number =>
      percentile(
        some.map(({ tookMs }) => tookMs),
        99,
      );
    const during = made.filter(isDuring);
    const beside = made.filter((each) => !isDuring(each));
    return [
      exactly(
        'answers that were not the right one',
        Object.values(wrongAnswers).reduce((a, b) => a + b, 0),
        0,
      ),
      reported('which', JSON.stringify(wrongAnswers)),
      exactly('requests that an upstream saw', seen.size, REQUESTS),
      exactly('of them more than once', [...seen.values()].filter((times) => times > 1).length, 0),
      exactly(
        'requests that the metrics tell of',
        metrics.sum('requests_total', { upstream: 'u' }),
        REQUESTS,
      ),
      exactly('WebSockets and tunnels that broke', talkers.filter(({ isBroken }) => isBroken()).length, 0),
      reported(
        'messages in them',
        talkers.reduce((sum, { heard }) => sum + heard(), 0),
      ),
      exactly('reloads that succeeded', statuses[200] ?? 0, RELOADS / 2),
      exactly('reloads that were refused as wrong', statuses[422] ?? 0, RELOADS / 2),
      exactly('the same, by the metrics', metrics.sum('config_reloads_total'), RELOADS),
      reported('a right one took, ms: median, p99', medianAndP99(reloads, true)),
      reported('a wrong one took, ms: median, p99', medianAndP99(reloads, false)),
      atMost('p99 of requests during a reload, ms more than beside', p99(during) - p99(beside), 20),
      reported('p99 beside, ms', p99(beside)),
      atMost('heap after the last reload ÷ after the tenth right one', heapUsed / heapAfterTen, 1.05),
      reported('heap at the end, MiB', heapUsed / 2 ** 20),
    ];
  },
  900_000,
);

function medianAndP99(
  reloads: readonly { readonly tookMs: number; readonly isRight: boolean }[],
  right: boolean,
): string {
  const times = reloads.filter(({ isRight }) => isRight === right).map(({ tookMs }) => tookMs);
  return `${percentile(times, 50).toFixed(1)}, ${percentile(times, 99).toFixed(1)}`;
}

/**
 * SIGTERM at a random moment, fifty times, with 500 requests in flight from an app that goes on for five seconds more:
 * half of it over kept connections, half with a connection for each request, every fourth a POST that nobody repeats. How
 * many are lost, when is readiness off, how and when does the process end? Then the same once with peers that are stuck.
 * The control is sent SIGTERM twice, which cuts. Takes about nine minutes.
 *
 *     node test/experiments/drain-under-load.ts [--short] [--runs N]
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type HttpCaller, makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import type { Owner } from '../rig/owner.ts';
import { percentile } from '../rig/percentile.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { seededRandom } from '../rig/seeded-random.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, beside, exactly, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const IN_FLIGHT = 500;
const GOES_ON_MS = 5000;
const IDLE_EXIT_MS = 500;
const DEADLINE_MS = 15_000;

const { isShort, runs } = readOptions(50);
const random = seededRandom(20_261_128);

/** What an app saw that stops some time after its sidecar was told to. */
interface Stop {
  readonly requests: number;
  readonly lost: readonly string[];
  /** Answers to requests that were sent when readiness was off, without Connection: close. */
  readonly notLast: number;
  readonly notReadyMs: number;
  /** From the end of the app's last request to the end of the process. */
  readonly endedMs: number;
  readonly exitCode: number | null;
}

/** Asks until it is told that the sidecar is not ready. */
const notReady = async ({ admin }: SidecarProcess): Promise<void> => {
  while ((await fetchText(admin, '/readyz')).status === 200) await wait(1);
};

const stopOnce = async (owner: Owner, signals: number): Promise<Stop> => {
  const upstream = await startHttpUpstream(owner, (_call, response) => {
    setTimeout(() => response.end('x'.repeat(1000)), 300 + random() * 1400);
  });
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    drain: { deadline: `${DEADLINE_MS}ms`, idleExit: `${IDLE_EXIT_MS}ms` },
    upstreams: {
      u: {
        hosts: ['u.test'],
        endpoints: [upstream.address],
        bulkhead: { concurrency: IN_FLIGHT },
        retry: { attempts: 1 },
        pool: { connectionsPerEndpoint: IN_FLIGHT },
      },
    },
  });
  const kept = makeCaller(owner, sidecar.egress);
  let stopsAt = Number.POSITIVE_INFINITY;
  let requests = 0;
  let notLast = 0;
  let isKnown = false;
  const lost: string[] = [];
  const work = async (index: number): Promise<void> => {
    while (performance.now() < stopsAt) {
      const caller: HttpCaller = index % 2 === 0 ? kept : makeCaller(noOwner, sidecar.egress, 1);
      const wasKnown = isKnown;
      // Connections lie idle at every moment, and are used again at every moment.
      await wait(random() * 300);
      requests += 1;
      const result = await caller.call(requests % 4 === 0 ? { method: 'POST', body: 'abc' } : {});
      if (caller !== kept) caller.close();
      const end = statusOrCode(result);
      if (end !== 200) lost.push(String(end));
      if (end !== 200 && signals > 1) return;
      if (result.kind === 'answer' && wasKnown && result.headers.connection !== 'close') notLast += 1;
    }
  };
  const app = Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => work(index)));
  await upstream.hasBegun(IN_FLIGHT);
  await wait(random() * 2000);
  const exited = once(sidecar.child, 'exit') as Promise<[number | null]>;
  const signalledAt = performance.now();
  stopsAt = signalledAt + GOES_ON_MS;
  sidecar.child.kill('SIGTERM');
  await notReady(sidecar);
  isKnown = true;
  const notReadyMs = performance.now() - signalledAt;
  if (signals > 1) sidecar.child.kill('SIGTERM');
  await app;
  const quietAt = performance.now();
  const [exitCode] = await exited;
  return { requests, lost, notLast, notReadyMs, endedMs: performance.now() - quietAt, exitCode };
};

const noOwner: Owner = { after() {} };

/** With an upstream that never answers and a client that never reads: how long it takes to end, and how. */
const stopStuck = async (
  owner: Owner,
): Promise<{ readonly tookMs: number; readonly exitCode: number | null }> => {
  const upstream = await startHttpUpstream(owner, ({ path }, response) => {
    if (path === '/long') response.end(Buffer.alloc(64 * 1024 * 1024));
  });
  const deadlineMs = 3000;
  const sidecar = await startSidecarProcess(owner, {
    drain: { deadline: `${deadlineMs}ms` },
    upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address] } },
  });
  for (const path of ['/silent', '/long']) {
    const client = await connectRaw(owner, sidecar.egress);
    if (path === '/long') client.socket.pause();
    client.send(`GET ${path} HTTP/1.1\r\nHost: u.test\r\n\r\n`);
  }
  await upstream.hasBegun(2);
  const startedAt = performance.now();
  const exitCode = await sidecar.drained();
  return { tookMs: performance.now() - startedAt - deadlineMs, exitCode };
};

await runExperiment(
  `SIGTERM, ${runs} times, ${IN_FLIGHT} requests in flight`,
  async (owner) => {
    const stops: Stop[] = [];
    for (let run = 0; run < (isShort ? 1 : runs); run += 1) {
      stops.push(await runArm(owner, `run ${run + 1}`, (arm) => stopOnce(arm, 1)));
    }
    const control = await runArm(owner, 'control: SIGTERM twice', (arm) => stopOnce(arm, 2));
    const stuck = await runArm(owner, 'stuck peers', stopStuck);
    const most = (read: (stop: Stop) => number): number => Math.max(...stops.map(read));
    const lost = stops.flatMap((stop) => stop.lost);
    return [
      reported(
        'requests',
        stops.reduce((sum, { requests }) => sum + requests, 0),
      ),
      beside(exactly('lost', lost.length, 0), control.lost.length),
      reported('how', [...new Set(lost)].join(' ')),
      exactly(
        'answers that did not say that they are the last',
        most(({ notLast }) => notLast),
        0,
      ),
      // As the rig saw it, which has 500 other calls to attend to.
      atMost(
        'readiness off after, ms, median',
        percentile(
          stops.map(({ notReadyMs }) => notReadyMs),
          50,
        ),
        100,
      ),
      reported(
        'at the most',
        most(({ notReadyMs }) => notReadyMs),
      ),
      exactly('exit codes that are not 0', stops.filter(({ exitCode }) => exitCode !== 0).length, 0),
      atMost(
        'ended after the last request, ms',
        most(({ endedMs }) => endedMs),
        IDLE_EXIT_MS + 1000,
      ),
      atMost('stuck peers: ended after the deadline, ms', stuck.tookMs, 1000),
      exactly('with the code', stuck.exitCode ?? -1, 0),
    ];
  },
  1_200_000,
);

/**
 * Two thousand requests in flight to an upstream that is silent, each with a time limit of 6.3 to 7.8 s, beside
 * 300 requests a second that are answered: how late each limit passes. The control arm is a bare server of Node's that
 * gives each of its requests a `setTimeout` of its own and has nobody to call. Takes about 35 s.
 *
 *     node test/experiments/timeout-accuracy.ts [IN_FLIGHT] [WAVES]
 *
 * The upstream and the control arm are processes of their own: this file with another argument.
 */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { openLoop } from '../rig/load.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { percentile } from '../rig/percentile.ts';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { startRigProcess, takeOrders } from '../rig/rig-process.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { statusOf } from '../rig/wire-reader.ts';
import { atMost, beside, exactly, type Figure, reported, runArm, runExperiment } from './experiment.ts';

const limitsMs = [6300, 6800, 7300, 7800];
const backgroundPerSecond = 300;
/** All of a wave are under way before the first of them is due, and begin no faster than two cores can dial for them. */
const waveMs = 6000;

/** Lets each begin in its turn, evenly over the time; resolves when all have ended. */
const inTurn = async <T>(
  those: readonly T[],
  durationMs: number,
  begin: (one: T, index: number) => Promise<void>,
): Promise<void> => {
  const startedAt = performance.now();
  const begun: Promise<void>[] = [];
  while (begun.length < those.length) {
    const due = Math.min(those.length, ((performance.now() - startedAt) / durationMs) * those.length);
    while (begun.length < due) begun.push(begin(those[begun.length]!, begun.length));
    await delay(2);
  }
  await Promise.all(begun);
};

/** How late each limit of an arm passed, in ms. */
interface Arm {
  /** By the clock of the process that holds the limit. */
  readonly late: readonly number[];
  /** From sending to the answer, less the limit. */
  readonly lateForClient: readonly number[];
  readonly statuses: Readonly<Record<string, number>>;
}

const listen = async (listener: RequestListener): Promise<number> => {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const limitOf = (path: string): number => Number(/^\/wait\/(\d+)$/.exec(path)?.[1] ?? Number.NaN);

/** Silent to those who wait for their time limit, quick to the others. */
const serveUpstream = async (): Promise<void> => {
  const port = await listen((request, response) => {
    if (Number.isNaN(limitOf(request.url!))) response.end('ok');
  });
  takeOrders(port, () => {});
};

const serveControl = async (): Promise<void> => {
  const late: number[] = [];
  const port = await listen((request, response) => {
    const limitMs = limitOf(request.url!);
    if (Number.isNaN(limitMs)) {
      response.end('ok');
      return;
    }
    const startedAt = performance.now();
    setTimeout(() => {
      late.push(performance.now() - startedAt - limitMs);
      response.writeHead(504).end();
    }, limitMs);
  });
  takeOrders(port, () => late);
};

/** One connection for each request of a wave, made before: what they cost must not be taken for lateness. */
const connectAll = async (owner: Owner, address: RigAddress, count: number): Promise<RawClient[]> => {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const batch = Math.min(100, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: batch }, () => connectRaw(owner, address)))));
  }
  return clients;
};

/** Sends the waves, and the others beside them; what the clients saw. */
const load = async (
  owner: Owner,
  address: RigAddress,
  inFlight: number,
  waves: number,
): Promise<Omit<Arm, 'late'>> => {
  const clients = await connectAll(owner, address, inFlight);
  const others = makeCaller(owner, address, 50);
  const lateForClient: number[] = [];
  const statuses: Record<string, number> = {};
  const count = (key: string): void => {
    statuses[key] = (statuses[key] ?? 0) + 1;
  };
  for (let wave = 0; wave < waves; wave += 1) {
    const background = openLoop(backgroundPerSecond, waveMs + Math.max(...limitsMs), async () => {
      const result = await others.call();
      count(`background ${statusOrCode(result)}`);
      return result;
    });
    await inTurn(clients, waveMs, async (client, index) => {
      const limitMs = limitsMs[index % limitsMs.length]!;
      const startedAt = performance.now();
      const answer = await client.send(`GET /wait/${limitMs} HTTP/1.1\r\nHost: u.test\r\n\r\n`).response();
      lateForClient.push(performance.now() - startedAt - limitMs);
      count(String(statusOf(answer)));
    });
    await background;
  }
  return { lateForClient, statuses };
};

const sidecarArm = async (owner: Owner, inFlight: number, waves: number): Promise<Arm> => {
  const { ready: port } = await startRigProcess<never, number>(owner, import.meta.filename, ['upstream']);
  const sidecar = await startSidecarProcess(owner, {
    upstreams: {
      u: {
        hosts: ['u.test'],
        endpoints: [`127.0.0.1:${port}`],
        bulkhead: { concurrency: 'unlimited' },
        pool: { connectionsPerEndpoint: inFlight + 1000 },
        breaker: { force: 'closed' },
        retry: { attempts: 1 },
        routes: limitsMs.map((limitMs) => ({
          name: `wait-${limitMs}`,
          match: { path: `/wait/${limitMs}` },
          timeout: { attempt: `${limitMs}ms` },
        })),
      },
    },
  });
  const seen = await load(owner, sidecar.egress, inFlight, waves);
  const passed = () => sidecar.accessLog.filter(({ reason }) => reason === 'attempt_timeout');
  await eventually('the log is written', () => passed().length >= inFlight * waves);
  const late = passed().map(({ totalMs, path }) => Number(totalMs) - limitOf(String(path)));
  return { late, ...seen };
};

const controlArm = async (owner: Owner, inFlight: number, waves: number): Promise<Arm> => {
  const control = await startRigProcess<string, number>(owner, import.meta.filename, ['control']);
  const seen = await load(owner, { host: '127.0.0.1', port: control.ready }, inFlight, waves);
  return { late: await control.process.ask<number[]>('late'), ...seen };
};

const measure = (inFlight: number, waves: number): Promise<void> =>
  runExperiment(`${inFlight} time limits at once beside ${backgroundPerSecond} requests/s`, async (owner) => {
    const control = await runArm(owner, 'one timer each', (arm) => controlArm(arm, inFlight, waves));
    const sidecar = await runArm(owner, 'sidecar', (arm) => sidecarArm(arm, inFlight, waves));
    const all = inFlight * waves;
    const late = (percent: number): Figure =>
      beside(
        atMost(`p${percent} of how late, ms`, percentile(sidecar.late, percent), percent === 50 ? 5 : 20),
        percentile(control.late, percent),
      );
    const lateForClient = (percent: number): Figure =>
      beside(
        reported(`p${percent} for the client, ms`, percentile(sidecar.lateForClient, percent)),
        percentile(control.lateForClient, percent),
      );
    return [
      beside(exactly('time limits that passed', sidecar.late.length, all), control.late.length),
      beside(exactly('504 for the client', sidecar.statuses['504'] ?? 0, all), control.statuses['504'] ?? 0),
      exactly(
        'others that were not served',
        Object.keys(sidecar.statuses).filter((key) => !['504', 'background 200'].includes(key)).length,
        0,
      ),
      beside(reported('the earliest, ms', Math.min(...sidecar.late)), Math.min(...control.late)),
      late(50),
      late(99),
      beside(reported('the latest, ms', Math.max(...sidecar.late)), Math.max(...control.late)),
      lateForClient(50),
      lateForClient(99),
    ];
  });

const [role, waves] = process.argv.slice(2);
if (role === 'upstream') await serveUpstream();
else if (role === 'control') await serveControl();
else await measure(Number(role ?? 2000), Number(waves ?? 1));

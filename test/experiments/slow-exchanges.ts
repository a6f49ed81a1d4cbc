/**
 * Ten thousand exchanges at the same time, each waiting for a slow upstream. Takes about 30 s.
 *
 *     node test/experiments/slow-exchanges.ts [EXCHANGES]
 *
 * The upstream is a process of its own (this file with `upstream` as argument): descriptors are counted per process.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { ok } from '../rig/raw-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { statusOf } from '../rig/wire-reader.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const serve = (): void => {
  const waiting: (() => void)[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      waiting.push(() => socket.write(ok()));
      process.send?.(waiting.length);
    });
  });
  process.on('message', () => {
    for (const answer of waiting.splice(0)) answer();
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
    process.send?.({ port: (server.address() as { port: number }).port });
  });
};

const measure = (exchanges: number): Promise<void> =>
  runExperiment(`${exchanges} concurrent slow exchanges`, async (owner) => {
    const upstream = fork(import.meta.filename, ['upstream']);
    owner.after(() => upstream.kill());
    const [{ port }] = (await once(upstream, 'message')) as [{ port: number }];
    const sidecar = await startSidecarProcess(owner, {
      log: { access: 'off' },
      egress: { maxConnections: exchanges + 1000 },
      upstreams: {
        u: {
          hosts: ['u.test'],
          endpoints: [`127.0.0.1:${port}`],
          bulkhead: { concurrency: 'unlimited' },
          pool: { connectionsPerEndpoint: exchanges + 1000 },
          timeout: { total: '120s', connect: '30s' },
        },
      },
    });
    const atStart = sidecar.memory.now;
    const allWait = new Promise<void>((resolve) => {
      upstream.on('message', (count) => {
        if (count === exchanges) resolve();
      });
    });

    const clients: RawClient[] = [];
    while (clients.length < exchanges) {
      const batch = await Promise.all(
        Array.from({ length: Math.min(200, exchanges - clients.length) }, () =>
          connectRaw(owner, sidecar.egress),
        ),
      );
      for (const client of batch) client.send('GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');
      clients.push(...batch);
    }
    await Promise.race([
      allWait,
      new Promise((_, reject) =>
        setTimeout(() => reject(new Error('not all reached the upstream')), 60_000).unref(),
      ),
    ]);
    const whileWaiting = sidecar.memory.now;
    const inFlight = (await sidecar.metrics()).sum('bulkhead_in_flight', { upstream: 'u' });
    upstream.send('answer');
    const answers = await Promise.all(clients.map((client) => client.response().catch(() => null)));

    const metrics = await sidecar.metrics();
    const delay = metrics.samples.find(({ name }) => /eventloop_lag_p99_seconds|event_loop.*p99/.test(name));
    return [
      exactly('in flight at the same time', inFlight, exchanges),
      exactly(
        'answered with 200',
        answers.filter((answer) => answer !== null && statusOf(answer) === 200).length,
        exchanges,
      ),
      reported('memory at start, MiB', atStart),
      reported('memory while they wait, MiB', whileWaiting),
      atMost('memory per exchange, KiB', ((whileWaiting - atStart) * 1024) / exchanges, 40),
      reported(
        'event-loop delay p99, ms',
        delay === undefined ? 'not exposed' : Math.round(delay.value * 10_000) / 10,
      ),
      exactly('requests by the metrics', metrics.sum('requests_total'), exchanges),
    ];
  });

/** Ten thousand, or what the system's limit leaves room for: the sidecar needs two descriptors for each. */
const asManyAsFit = (): number => {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const descriptors = Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.min(10_000, Math.floor(descriptors / 2) - 50);
};

if (process.argv[2] === 'upstream') serve();
else await measure(Number(process.argv[2] ?? asManyAsFit()));

import assert from 'node:assert/strict';
import { Commands } from '../../src/telemetry/commands.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { type HttpCaller, makeCaller, statusOrCode } from '../rig/http-call.ts';
import { type Answer, Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { parseMetrics, type Sample } from '../rig/metrics.ts';
import type { Owner } from '../rig/owner.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { describeCommand, metricsSource } from '../telemetry/command-fixture.ts';

/** What a scrape of a real sidecar brings after everything has happened to it that its metrics tell apart. */
export const busyPage = async (owner: Owner): Promise<readonly Sample[]> => {
  const held = new Held();
  let isSecond = false;
  const answer: Answer = async (call, response, request) => {
    if (call.path === '/held') {
      await held.answer(call, response, request);
      return;
    }
    const fails = call.path === '/fails' || (call.path === '/fails-once' && !isSecond);
    if (call.path === '/fails-once') isSecond = true;
    response.statusCode = fails ? 503 : 200;
    response.end();
  };
  const upstream = await startHttpUpstream(owner, answer);
  const echo = await startByteServer(owner, (peer) => peer.socket.pipe(peer.socket));
  const dead = `127.0.0.1:${await freePort()}`;
  const port = await freePort();
  const sidecar = await startSidecarProcess(
    owner,
    configuration(upstream.address, echo.address, dead, `127.0.0.1:${port}`),
  );
  const caller = makeCaller(owner, sidecar.egress);

  await answersOfAllKinds(caller, dead);
  await oneTunnel(owner, port);
  await noPlace(caller, sidecar, held);
  await sidecar.metricIs('tunnels_closed_total', {}, 1);
  const { samples } = await sidecar.metrics();
  return [...samples, ...(await nameWithoutAddress())];
};

const configuration = (served: string, echo: string, dead: string, tcpPort: string) => ({
  egress: { unlisted: 'allow' },
  defaults: { breaker: { volume: 2, sleep: '1h' }, retry: { backoff: { base: '1ms', max: '1ms' } } },
  upstreams: {
    good: {
      hosts: ['good.test'],
      endpoints: [served],
      breaker: { force: 'closed' },
    },
    'no-budget': {
      hosts: ['no-budget.test'],
      endpoints: [served],
      breaker: { force: 'closed' },
      retry: { budget: { percent: 0, minPerSecond: 0 } },
    },
    dead: {
      hosts: ['dead.test'],
      endpoints: [dead],
      routes: [
        { name: 'covered', match: { path: '/covered' }, fallback: { on: ['circuit_open'], status: 200 } },
      ],
    },
    tight: { hosts: ['tight.test'], endpoints: [served], bulkhead: { concurrency: 1, queue: 0 } },
    patient: {
      hosts: ['patient.test'],
      endpoints: [served],
      bulkhead: { concurrency: 1, queue: 1, queueTimeout: '50ms' },
    },
    pooled: {
      hosts: ['pooled.test'],
      endpoints: [served],
      pool: { connectionsPerEndpoint: 1 },
      routes: [{ name: 'hurried', match: { path: '/hurried' }, timeout: { total: '50ms' } }],
    },
    stream: { protocol: 'tcp', listen: tcpPort, endpoints: [echo] },
  },
});

/** Successes, failures, retries, open breakers, a fallback; listed and unlisted. */
const answersOfAllKinds = async (caller: HttpCaller, dead: string): Promise<void> => {
  const status = async (host: string, path: string) => statusOrCode(await caller.call({ host, path }));
  assert.equal(await status('good.test', '/'), 200);
  assert.equal(await status('good.test', '/fails-once'), 200);
  assert.equal(await status('no-budget.test', '/fails'), 503);
  for (const host of ['dead.test', dead]) {
    assert.equal(await status(host, '/'), 502);
    assert.equal(await status(host, '/'), 503, 'its breaker is open');
  }
  assert.equal(await status('dead.test', '/covered'), 502);
  assert.equal(await status('dead.test', '/covered'), 200, 'the fallback');
};

/** A connection that carries bytes both ways and ends. */
const oneTunnel = async (owner: Owner, port: number): Promise<void> => {
  const peer = await connectBytes(owner, { host: '127.0.0.1', port });
  await peer.say('here').hears('here');
  peer.end();
  await peer.over();
};

/** Requests for which there is no place, no place in time, and no connection. */
const noPlace = async (caller: HttpCaller, sidecar: SidecarProcess, held: Held): Promise<void> => {
  const call = (host: string, path: string) => caller.call({ host, path });
  const holding = ['tight.test', 'patient.test', 'pooled.test'].map((host) => call(host, '/held'));
  await sidecar.metricIs('bulkhead_in_flight', {}, holding.length);
  assert.equal(statusOrCode(await call('tight.test', '/held')), 503, 'the bulkhead is full');
  assert.equal(statusOrCode(await call('patient.test', '/held')), 503, 'nobody left in time');
  assert.equal(statusOrCode(await call('pooled.test', '/hurried')), 503, 'no connection became free');
  held.release();
  await Promise.all(holding);
};

/**
 * What a sidecar shows of an upstream whose name has no address, and nothing else: that takes a name server of one's
 * own, which a process cannot be given. The exposition is the real one.
 */
const nameWithoutAddress = async (): Promise<readonly Sample[]> => {
  const commands = new Commands();
  commands.open(describeCommand('gone')).requestRejected('no_endpoint', 0);
  const dnsLookups = { answered: 0, empty: 2, failed: 0, timeout: 0 };
  const endpoints = { available: 0, passedOver: 0 };
  const upstreams = () => [{ name: 'gone', retryBudgetTokens: 0, endpoints, dnsLookups }];
  const { text } = await new Metrics(metricsSource({ commands, upstreams })).page('');
  return parseMetrics(text).filter(({ name }) => /_(?:dns_lookups|rejected)_total$/.test(name));
};

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, type Tally, tallyOf } from '../rig/load.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { type LogLine, type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';

const logTally = (lines: readonly LogLine[]): Tally => {
  const tally: Tally = {};
  for (const { status } of lines) tally[String(status)] = (tally[String(status)] ?? 0) + 1;
  return tally;
};

const metricTally = async (sidecar: Sidecar, codes: readonly string[]): Promise<Tally> => {
  const metrics = await sidecar.metrics();
  return Object.fromEntries(codes.map((code) => [code, metrics.sum('requests_total', { code })]));
};

test('generator, metrics and access log agree to the unit, with failures of every kind at random', async (t) => {
  let turn = 0;
  const upstream = await startHttpUpstream(t, (_call, response) => {
    turn += 1;
    response.statusCode = turn % 11 === 0 ? 503 : turn % 7 === 0 ? 404 : 200;
    response.end('x'.repeat(turn % 5000));
  });
  const faults = await startFaultServer(t, { host: '127.0.0.1', port: upstream.port });
  let connection = 0;
  faults.choose = () => {
    connection += 1;
    return connection % 5 === 0
      ? { kind: 'reset', afterBytes: connection % 10 === 0 ? 20 : 0 }
      : { kind: 'none' };
  };
  const sidecar = await startSidecar(
    t,
    upstreamU([faults.address], {
      breaker: { volume: 30, sleep: '20ms' },
      bulkhead: { concurrency: 6, queue: 0 },
      timeout: { total: '5s' },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const cutter = setInterval(() => faults.cut(), 40);
  t.after(() => clearInterval(cutter));

  const results = await closedLoop(1500, 10, (index) =>
    caller.call(index % 3 === 0 ? { method: 'POST', body: 'abc' } : {}),
  );

  const generator = tallyOf(results);
  await eventually('every exchange is logged', () => sidecar.accessLog.length >= results.length);
  assert.equal(sidecar.accessLog.length, results.length, 'one line an exchange');
  assert.equal(await sidecar.metric('requests_total'), results.length, 'one count a request');
  const log = logTally(sidecar.accessLog);
  const codes = Object.keys(log);
  assert.deepEqual(await metricTally(sidecar, codes), log, 'metrics and log say the same of each status');
  // A broken-off body is an answer with a status for the log and a broken connection for the generator.
  const answers = Object.entries(generator).filter(([key]) => /^\d+$/.test(key));
  const broken = results.length - answers.reduce((sum, [, count]) => sum + count, 0);
  for (const [status, count] of answers) {
    assert.ok(
      log[status]! >= count && log[status]! <= count + broken,
      `status ${status}: ${count}, ${log[status]}`,
    );
  }
  const cutShort = sidecar.accessLog.filter(({ reason }) => reason === 'response_incomplete').length;
  assert.equal(broken, cutShort, 'each broken connection is one incomplete answer');
});

test('what the upstream saw is what the attempts say', async (t) => {
  let turn = 0;
  const upstream = await startHttpUpstream(t, (_call, response) => {
    turn += 1;
    response.statusCode = turn % 3 === 0 ? 503 : 200;
    response.end();
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { breaker: { force: 'closed' } }));
  const caller = makeCaller(t, sidecar.egress);

  const results = await closedLoop(400, 8, () => caller.call());

  const metrics = await sidecar.metrics();
  assert.equal(metrics.sum('attempts_total'), upstream.begun);
  assert.equal(metrics.sum('attempts_total'), metrics.sum('requests_total') + metrics.sum('retries_total'));
  assert.equal(metrics.sum('requests_total'), results.length);
  assert.equal(metrics.sum('request_duration_seconds_count'), results.length);
  const attempts = sidecar.accessLog.reduce((sum, line) => sum + Number(line['attempts']), 0);
  assert.equal(attempts, upstream.begun);
});

test('bytes in the access log are bytes of content', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('y'.repeat(777)));
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const caller = makeCaller(t, sidecar.egress);

  await caller.call({ method: 'POST', body: 'x'.repeat(123), headers: { 'transfer-encoding': 'chunked' } });

  const text = JSON.stringify(await sidecar.accessLineAt(0));
  assert.match(text, /\b123\b/);
  assert.match(text, /\b777\b/);
});

test('a query, a credential and a cookie are not in the log', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const caller = makeCaller(t, sidecar.egress);

  await caller.call({
    path: '/path?token=hunter2',
    headers: { authorization: 'Bearer hunter2', cookie: 'session=hunter2' },
  });

  const text = JSON.stringify(await sidecar.accessLineAt(0));
  assert.ok(text.includes('/path'));
  assert.ok(!text.includes('hunter2'), text);
});

test('an upload that breaks after the answer has begun is a client that broke off, not a refusal', async (t) => {
  const upstream = await startRawUpstream(t, (exchange) => {
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, sidecar.egress);
  client.send('PUT / HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await client.head();

  client.send('no chunk\r\n');

  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['status'], line['reason']], ['cancelled', 499, 'client_gone']);
  assert.equal(line['detail'], 'chunk_size');
  assert.equal(await sidecar.metric('rejected_total'), 0);
});

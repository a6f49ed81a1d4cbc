import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { Pipeline } from '../rig/pipeline.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import type { VirtualClock } from '../rig/virtual-clock.ts';
import { statusOf } from '../rig/wire-reader.ts';

const hourMs = 3_600_000;

/** Timeouts, retries with backoff, a queue, a breaker that opens and its probe; `jump` stands between all of them. */
const story = async (jump: (clock: VirtualClock) => void): Promise<readonly unknown[]> => {
  const pipeline = new Pipeline({
    timeout: { attempt: '1s', total: '3s', idle: '5s' },
    bulkhead: { concurrency: 2, queue: 2, queueTimeout: '500ms' },
    breaker: { volume: 4, errorPercent: 50, sleep: '5s' },
    retry: { attempts: 2, on: ['timeout'], backoff: { base: '100ms', max: '100ms' } },
  });
  const { transport } = pipeline;
  const pass = async (ms: number): Promise<void> => {
    jump(pipeline.clock);
    await pipeline.advance(ms);
  };
  const stream = pipeline.request();
  transport.last.head(200);
  pipeline.request();
  pipeline.request();
  await pass(499);
  await pass(501);
  await pass(100);
  await pass(1000);
  transport.at(0).data('x');
  await pass(3000);
  transport.at(0).data('y');
  transport.at(0).end();
  pipeline.request();
  transport.last.end(failure('connect_refused', true));
  const refused = pipeline.request();
  await pass(4000);
  const stillRefused = pipeline.request();
  await pass(2000);
  const probe = pipeline.request();
  transport.last.answer(200);
  assert.deepEqual(
    [stream, refused, stillRefused, probe].map(({ status }) => status),
    [200, 503, 503, 200],
    'the story is not the one that it is meant to be',
  );
  return pipeline.log.map(({ outcome, attempts, queueMs, firstByteMs, totalMs }) => ({
    outcome,
    attempts,
    queueMs,
    firstByteMs,
    totalMs,
  }));
};

/** How far each jump goes, by its number. */
const jumps: Readonly<Record<string, (index: number) => number>> = {
  'an hour forward': () => hourMs,
  'an hour back': () => -hourMs,
  'an hour there and back in turn': (index) => (index % 2 === 0 ? hourMs : -hourMs),
};

for (const [name, jumpMs] of Object.entries(jumps)) {
  test(`a wall clock that jumps ${name} changes nothing of what happens when`, async () => {
    const undisturbed = await story(() => {});
    let count = 0;

    const disturbed = await story((clock) => {
      clock.jumpWallTime(jumpMs(count));
      count += 1;
    });

    assert.deepEqual(disturbed, undisturbed);
  });
}

test('nor does it in a sidecar with sockets, whose system’s date is set', async (t) => {
  let offsetMs = 0;
  const { now } = Date;
  t.mock.method(Date, 'now', () => now() + offsetMs);
  const answered = Promise.withResolvers<void>();
  const upstream = await startRawUpstream(t, async (exchange) => {
    if (exchange.startLine.includes('/silent')) return;
    await answered.promise;
    exchange.write(ok());
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      timeout: { total: '10s' },
      retry: { attempts: 1 },
      routes: [{ name: 'silent', match: { path: '/silent' }, timeout: { attempt: '100ms' } }],
    }),
  );
  const client = await connectRaw(t, sidecar.egress);
  client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await upstream.exchange(0);

  for (const jumpMs of [hourMs, -hourMs]) {
    offsetMs = jumpMs;
    const silence = await exchangeRaw(t, sidecar.egress, 'GET /silent HTTP/1.1\r\nHost: u.test\r\n\r\n');
    assert.equal(statusOf(silence), 504);
  }
  answered.resolve();

  assert.equal(statusOf(await client.response()), 200);
  assert.ok(
    sidecar.accessLog.every((line) => Number(line['totalMs']) >= 0 && Number(line['totalMs']) < 10_000),
  );
});

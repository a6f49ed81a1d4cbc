import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { startLoadGenerator } from './load-generator.ts';
import { type LoadRecord, LoadRecords } from './load-records.ts';
import { startNaiveService } from './naive-service.ts';
import { startQueueSimulator } from './queue-simulator.ts';

test('requests leave when they are due although nobody answers, and each is accounted for', async (t) => {
  const service = await startQueueSimulator(t, { kind: 'silent' });
  const generator = await startLoadGenerator(t);
  const load = await generator.begin({
    target: service.address,
    ratePerSecond: 500,
    timeoutMs: 50,
    maxInFlight: 10,
  });
  await eventually('some were given up, and some not sent', async () => {
    const { results } = await load.records();
    return (results['timeout'] ?? 0) > 20 && (results['not_sent'] ?? 0) > 0;
  });

  const records = await load.end();

  const { timeout = 0, not_sent: notSent = 0 } = records.results;
  assert.equal(timeout + notSent, records.offered);
  // A call that is cut while it connects is never seen.
  const { arrived } = await service.counts();
  assert.ok(arrived > 0 && arrived <= timeout, `${arrived} arrived, ${timeout} timed out`);
  records.records.forEach(({ dueMs }, index) => {
    assert.ok(Math.abs(dueMs - index * 2) < 0.001, `request ${index} was due at ${dueMs}`);
  });
  for (const { tookMs, lateMs } of records.with('timeout').records) {
    assert.ok(tookMs - lateMs >= 49, `left after ${lateMs} ms and was given up after ${tookMs} ms`);
  }
});

test('the queue simulator works for clients that have left, too', async (t) => {
  const service = await startQueueSimulator(t, { kind: 'queue', serviceMs: 20 });
  const generator = await startLoadGenerator(t);
  const load = await generator.begin({ target: service.address, ratePerSecond: 200, timeoutMs: 60 });
  await eventually('clients give up', async () => ((await load.records()).results['timeout'] ?? 0) >= 10);

  const records = await load.end();
  await service.set({ kind: 'queue', serviceMs: 0 });
  await eventually('the queue is empty', async () => (await service.counts()).waiting === 0);

  const { served, servedToNobody } = await service.counts();
  assert.ok(servedToNobody > 0);
  assert.ok(served + servedToNobody <= records.offered);
  assert.ok(served >= (records.results['200'] ?? 0));
});

test('a naive service tries as often as it was told, at every replica, and passes the last error on', async (t) => {
  const replicas = await Promise.all([1, 2].map(() => startQueueSimulator(t, { kind: 'silent' })));
  for (const replica of replicas) {
    await replica.set({ kind: 'parallel', delayMs: 0 }, { errorPercent: 100, errorStatus: 502 });
  }
  const target = await startNaiveService(t, {
    calls: [replicas.map(({ address }) => address)],
    timeoutMs: 5000,
    retries: 3,
  });
  const generator = await startLoadGenerator(t);
  const load = await generator.begin({ target, ratePerSecond: 100 });
  await eventually('an answer', async () => (await load.records()).offered > 0);

  const records = await load.end();

  assert.deepEqual(records.results, { '502': records.offered });
  for (const replica of replicas) assert.equal((await replica.counts()).errors, records.offered * 2);
});

test('a load’s time is cut into seconds and phases by when requests were due', () => {
  const record = (dueMs: number, result: string, tookMs = 10): LoadRecord => ({
    dueMs,
    tookMs,
    lateMs: 0,
    result,
  });
  const records = new LoadRecords(
    [record(0, '200'), record(999, '503', 1), record(1000, '200', 101), record(1500, '200', 20)],
    100,
  );

  assert.deepEqual(records.seconds(), [
    { second: 0, offered: 2, good: 1, results: { '200': 1, '503': 1 }, p50Ms: 10, p99Ms: 10 },
    { second: 1, offered: 2, good: 1, results: { '200': 2 }, p50Ms: 101, p99Ms: 101 },
  ]);
  assert.equal(records.between(999, 1000).offered, 1);
  assert.equal(records.with('200').percentileMs(99), 101);
});

test('a load is well again from when on the next seconds are, not from its first good answer', () => {
  const records = new LoadRecords(
    Array.from({ length: 100 }, (_, index) => ({
      dueMs: index * 100,
      tookMs: 1,
      lateMs: 0,
      result: index < 20 || index === 30 || index > 40 ? '200' : '503',
    })),
    100,
  );

  assert.equal(records.recoveryMs(2000, 3000, 0.99), 2100);
  assert.equal(records.recoveryMs(2000, 8000, 0.99), Number.POSITIVE_INFINITY);
});

import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { type CallResult, type HttpCaller, makeCaller, statusOrCode } from '../rig/http-call.ts';
import { type HttpUpstream, startHttpUpstream } from '../rig/http-upstream.ts';
import type { Metrics } from '../rig/metrics.ts';
import { seededRandom } from '../rig/seeded-random.ts';
import { type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';

/** What `/breakers` says of a bulkhead. */
interface BulkheadView {
  readonly inFlight: number;
  readonly queued: number;
  readonly admittedTotal: number;
  readonly completedTotal: number;
  readonly rejectedTotal: number;
}

/** A crowd of clients, an upstream that answers when it is told, and what the crowd itself has counted. */
class Crowd {
  readonly sidecar: Sidecar;
  readonly upstream: HttpUpstream;
  readonly ended: Record<string, number> = {};
  readonly #caller: HttpCaller;
  readonly #open: ServerResponse[];
  readonly #waiting = new Map<Promise<void>, AbortController>();
  started = 0;

  constructor(t: TestContext, sidecar: Sidecar, upstream: HttpUpstream, open: ServerResponse[]) {
    this.sidecar = sidecar;
    this.upstream = upstream;
    this.#caller = makeCaller(t, sidecar.egress);
    this.#open = open;
  }

  get underWay(): number {
    return this.#waiting.size;
  }

  call(path: string): void {
    const abort = new AbortController();
    this.started += 1;
    const call: Promise<void> = this.#caller
      .call({ path, signal: abort.signal })
      .then((result) => this.#note(call, result));
    this.#waiting.set(call, abort);
  }

  /** Answers the one that has waited for longest; the upstream has none: nothing. */
  answer(): void {
    this.#open.shift()?.end('ok');
  }

  /** Takes the last one that came away: one that waits, if any does. */
  leave(): void {
    [...this.#waiting.values()].at(-1)?.abort();
  }

  #note(call: Promise<void>, result: CallResult): void {
    const key = String(statusOrCode(result));
    this.ended[key] = (this.ended[key] ?? 0) + 1;
    this.#waiting.delete(call);
  }

  /** What came of the crowd so far, by the word of the crowd. */
  count(key: string): number {
    return this.ended[key] ?? 0;
  }
}

const bulkheadOf = async (sidecar: Sidecar, command: string): Promise<BulkheadView> =>
  (await sidecar.breaker(command))['bulkhead'] as BulkheadView;

/** A moment at which everybody is either under way in the proxy or has heard. */
const quiet = async (crowd: Crowd): Promise<Metrics> => {
  let metrics = await crowd.sidecar.metrics();
  await eventually('it is quiet', async () => {
    metrics = await crowd.sidecar.metrics();
    const inFlight = metrics.sum('bulkhead_in_flight');
    const isAllHere = inFlight + metrics.sum('bulkhead_queued') === crowd.underWay;
    const isAllThere =
      crowd.upstream.inFlight === inFlight && crowd.upstream.calls.length === crowd.upstream.begun;
    return isAllHere && isAllThere && metrics.sum('requests_total') + crowd.underWay === crowd.started;
  });
  return metrics;
};

/** Everything that is known of the bulkheads, from all sides, to the unit. */
const agree = async (crowd: Crowd, metrics: Metrics): Promise<void> => {
  let admitted = 0;
  let rejected = 0;
  for (const [command, route] of [
    ['u', ''],
    ['u.own', 'own'],
  ] as const) {
    const view = await bulkheadOf(crowd.sidecar, command);
    assert.equal(metrics.sum('bulkhead_in_flight', { upstream: 'u', route }), view.inFlight);
    assert.equal(metrics.sum('bulkhead_queued', { upstream: 'u', route }), view.queued);
    assert.equal(view.admittedTotal, view.completedTotal + view.inFlight);
    admitted += view.admittedTotal;
    rejected += view.rejectedTotal;
  }
  assert.deepEqual(await bulkheadOf(crowd.sidecar, 'u.shared'), await bulkheadOf(crowd.sidecar, 'u'));
  const full = metrics.sum('rejected_total', { reason: 'bulkhead_full' });
  assert.equal(admitted, crowd.upstream.begun);
  assert.equal(rejected, full);
  assert.equal(full, crowd.count('503'));
  assert.equal(full, metrics.sum('requests_total', { outcome: 'rejected', code: '503' }));
  assert.equal(metrics.sum('requests_total', { outcome: 'success', code: '200' }), crowd.count('200'));
  assert.equal(metrics.sum('requests_total', { outcome: 'cancelled' }), crowd.count('ABORT_ERR'));
  assert.equal(
    crowd.started,
    crowd.count('200') + crowd.count('503') + crowd.count('ABORT_ERR') + crowd.underWay,
  );
};

test('gauges, counters, the pages and the crowd itself say the same whenever it is quiet, to the unit', async (t) => {
  const open: ServerResponse[] = [];
  const upstream = await startHttpUpstream(t, (_call, response) => {
    open.push(response);
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 4, queue: 3, queueTimeout: '14s' },
      retry: { attempts: 1 },
      breaker: { force: 'closed' },
      routes: [
        { name: 'own', match: { path: '/own' }, bulkhead: { concurrency: 2, queue: 1, queueTimeout: '14s' } },
        { name: 'shared', match: { path: '/shared' } },
      ],
    }),
  );
  const crowd = new Crowd(t, sidecar, upstream, open);
  const random = seededRandom(7);

  for (let round = 0; round < 25; round += 1) {
    for (let come = Math.floor(random() * 8); come > 0; come -= 1) {
      crowd.call(['/own', '/shared', '/else'][Math.floor(random() * 3)]!);
    }
    for (let go = Math.floor(random() * 5); go > 0; go -= 1) crowd.answer();
    await agree(crowd, await quiet(crowd));
    if (random() < 0.5) crowd.leave();
    await agree(crowd, await quiet(crowd));
  }

  await eventually('all have heard', () => {
    crowd.answer();
    return crowd.underWay === 0;
  });
  const metrics = await quiet(crowd);
  await agree(crowd, metrics);
  assert.equal(metrics.sum('bulkhead_in_flight'), 0);
  assert.equal(metrics.sum('bulkhead_queued'), 0);
  for (const what of ['200', '503', 'ABORT_ERR'])
    assert.ok(crowd.count(what) > 5, `${what}: too few to say anything`);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchangeRaw } from '../rig/raw-client.ts';
import { answering, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const failing = 'HTTP/1.1 503 Odd\r\nContent-Length: 0\r\n\r\n';

test('the tokens of the budget are what the metrics show: earned by requests, spent by retries, shared by routes', async (t) => {
  const upstream = await startRawUpstream(t, answering(failing));
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { force: 'closed' },
      retry: { backoff: { base: '1ms', max: '1ms' }, budget: { percent: 50, minPerSecond: 0 } },
      routes: [
        { name: 'one', match: { path: '/one' } },
        { name: 'two', match: { path: '/two' } },
      ],
    }),
  );
  const tokens = (): Promise<number> => sidecar.metric('retry_budget_tokens', { upstream: 'u' });
  const call = (path: string): Promise<unknown> =>
    exchangeRaw(t, sidecar.egress, `GET ${path} HTTP/1.1\r\nHost: u.test\r\n\r\n`);
  assert.equal(await tokens(), 0);

  await call('/one');
  assert.equal(await tokens(), 0.5);
  assert.equal(upstream.exchanges.length, 1, 'half a token is no retry');
  // The routes share it: what one earned, the other spends.
  await call('/two');
  assert.equal(await tokens(), 0);
  assert.equal(upstream.exchanges.length, 3);
  assert.equal(await sidecar.metric('retries_skipped_total', { route: 'one', reason: 'budget' }), 1);
  assert.equal(await sidecar.metric('retries_skipped_total', { route: 'two', reason: 'budget' }), 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { type Sidecar, startSidecar } from '../rig/sidecar.ts';

interface PolicyLine {
  readonly key: string;
  readonly value: string;
  readonly layer: string;
  readonly place: string | null;
}

const policyOf = async (sidecar: Sidecar, command: string): Promise<ReadonlyMap<string, PolicyLine>> => {
  const { policy } = (await sidecar.breaker(command)) as { readonly policy: readonly PolicyLine[] };
  return new Map(policy.map((line) => [line.key, line]));
};

test('the admin interface says of each command where its policy was written', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, {
    egress: { unlisted: 'allow' },
    defaults: { retry: { attempts: 2 } },
    upstreams: {
      shop: {
        endpoints: [upstream.address],
        routes: [{ name: 'buy', timeout: { total: '800ms' } }],
      },
    },
  });
  const unlisted = `localhost:${upstream.port}`;
  await makeCaller(t, sidecar.egress, 1).call({ host: unlisted });

  const buy = await policyOf(sidecar, 'shop.buy');
  assert.equal(buy.get('timeout.total')?.value, '800ms');
  assert.equal(buy.get('timeout.total')?.layer, 'route');
  assert.match(buy.get('timeout.total')?.place ?? '', /:\d+:\d+$/);
  assert.equal(buy.get('retry.attempts')?.layer, 'defaults');
  const whole = await policyOf(sidecar, 'shop');
  assert.deepEqual(whole.get('timeout.total'), {
    key: 'timeout.total',
    value: '15s',
    layer: 'built in',
    place: null,
  });
  const other = await policyOf(sidecar, encodeURIComponent(unlisted));
  assert.equal(other.get('retry.attempts')?.layer, 'defaults');
});

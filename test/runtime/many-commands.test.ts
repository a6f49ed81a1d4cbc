import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { type Sidecar, startSidecar } from '../rig/sidecar.ts';

interface BreakerView {
  readonly name: string;
  readonly bulkhead: { readonly name: string };
  readonly health: { readonly total: number };
}

/** Series of our own; how many there are of Node's depends on what its garbage collector did. */
const seriesOf = async (sidecar: Sidecar): Promise<number> =>
  (await sidecar.metrics()).samples.filter(({ name }) => name.startsWith('outrigger_')).length;

const breakersOf = async (sidecar: Sidecar): Promise<readonly BreakerView[]> => {
  const { text } = await fetchText(sidecar.admin, '/breakers');
  return (JSON.parse(text) as { breakers: BreakerView[] }).breakers;
};

test('hundreds of unlisted names go through sixteen places, and no request is lost from the counts', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, {
    egress: { unlisted: 'allow', maxUnlisted: 16 },
    log: { access: 'off' },
  });
  const caller = makeCaller(t, sidecar.egress, 4);
  await caller.call({ host: `first.localhost:${upstream.port}` });
  const seriesBefore = await seriesOf(sidecar);

  for (let index = 0; index < 300; index += 1) {
    const result = await caller.call({ host: `n${index}.localhost:${upstream.port}` });
    assert.equal(statusOrCode(result), 200);
  }

  assert.equal((await breakersOf(sidecar)).length, 16);
  const metrics = await sidecar.metrics();
  assert.equal(metrics.sum('requests_total', { upstream: 'unlisted' }), 301);
  assert.equal(metrics.sum('attempts_total', { upstream: 'unlisted' }), 301);
  assert.equal(metrics.sum('bulkhead_in_flight'), 0);
  assert.equal(await seriesOf(sidecar), seriesBefore);
});

test('a thousand routes run beside each other, each with a breaker of its own', async (t) => {
  const upstream = await startHttpUpstream(t, (call, response) => {
    response.statusCode = call.path.startsWith('/r7/') ? 503 : 200;
    response.end();
  });
  const routes = Array.from({ length: 100 }, (_, index) => ({
    name: `r${index}`,
    match: { path: `/r${index}/*` },
    retry: { attempts: 1 },
    breaker: { consecutive: 1 },
    ...(index % 2 === 0 ? { bulkhead: { concurrency: 5 } } : {}),
  }));
  const upstreams = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`u${index}`, { endpoints: [upstream.address], routes }]),
  );
  const sidecar = await startSidecar(t, { upstreams, log: { access: 'off' } });
  const caller = makeCaller(t, sidecar.egress, 4);
  const ask = async (host: string, path: string) => statusOrCode(await caller.call({ host, path }));

  assert.equal(await ask('u3', '/r7/x'), 503);
  assert.equal(await ask('u3', '/r7/x'), 503);
  assert.equal(await ask('u3', '/r8/x'), 200);
  assert.equal(await ask('u4', '/r8/x'), 200);

  assert.equal(upstream.begun, 3);
  const byName = new Map((await breakersOf(sidecar)).map((breaker) => [breaker.name, breaker]));
  // Beside the routes each upstream has a command for what no route matches.
  assert.equal(byName.size, 1010);
  assert.equal((await sidecar.breaker('u3.r7'))['state'], 'open');
  assert.equal((await sidecar.breaker('u4.r7'))['state'], 'closed');
  assert.equal(byName.get('u3.r8')?.health.total, 1);
  assert.equal(byName.get('u3.r8')?.bulkhead.name, 'u3.r8');
  assert.equal(byName.get('u3.r9')?.bulkhead.name, 'u3');
});

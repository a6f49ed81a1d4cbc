import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchText } from '../rig/metrics.ts';
import { startSidecar } from '../rig/sidecar.ts';

test('what is known of a declared name is on /upstreams and in the metrics, of declared names alone', async (t) => {
  const sidecar = await startSidecar(t, {
    upstreams: {
      // Needs no name server: its own address is all there is to know.
      named: { dns: '127.0.0.1:9' },
      fixed: { endpoints: ['127.0.0.1:9'] },
    },
  });

  const { text } = await fetchText(sidecar.admin, '/upstreams');

  const { upstreams } = JSON.parse(text);
  const [named, fixed] = upstreams;
  assert.equal(fixed.dns, null);
  assert.equal(named.dns.resolvedAgoMs >= 0, true);
  assert.deepEqual(
    { ...named.dns, resolvedAgoMs: 0 },
    { name: '127.0.0.1', resolvedAgoMs: 0, stale: false, lastFailure: null },
  );
  const lookups = 'dns_lookups_total';
  assert.equal(await sidecar.metric(lookups, { upstream: 'named', result: 'answered' }), 1);
  assert.equal(await sidecar.metric(lookups), 1);
});

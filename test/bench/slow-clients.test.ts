import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSlow } from './slow-clients.ts';

test('the table sets the load beside the crowd against the load alone', () => {
  const table = renderSlow([
    {
      name: 'haproxy',
      version: '2.6',
      calm: { busyRatio: 0.05, latency: { p50: 0.3, p90: 0.5, p99: 1 } },
      beset: { busyRatio: 0.125, latency: { p50: 0.4, p90: 2, p99: 12.5 } },
      grownBytes: 40e6,
      tally: { slowHeadsClosed: 3000, slowReadersClosed: 2, largeAnswers: 0 },
    },
  ]);

  assert.match(table, /^haproxy +5\.0 % +12\.5 % +40\.0 MB +3000 +2 +1\.00 +12\.50 +2\.6$/m);
});

test('a proxy whose normal load failed is told of in its line, and the others still have theirs', () => {
  const table = renderSlow([{ name: 'nginx', version: '1.22', failed: 'connection closed by the proxy' }]);

  assert.match(table, /^nginx +normal load failed: connection closed by the proxy$/m);
});

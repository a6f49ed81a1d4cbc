import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from './measurement.ts';
import { type PeerSamples, renderTable, summarize } from './report.ts';

const sample = (cpuUsPerRequest: number): Sample => ({
  requests: 1000,
  elapsedMs: 500,
  cpuUsPerRequest,
  busyRatio: 0.5,
  residentBytes: 20e6,
  latency: null,
});

const peer = (name: string, ...cpuUs: number[]): PeerSamples => ({
  name,
  version: '1.0',
  samples: cpuUs.map(sample),
});

test('the ratio is taken within each round, so a machine that slows down for one round changes nothing', () => {
  const [outrigger] = summarize([peer('outrigger', 24, 48, 24), peer('haproxy', 20, 40, 20)]);

  assert.deepEqual(outrigger?.cpuUsPerRequest.ratio, { lower: 1.2, median: 1.2, upper: 1.2 });
});

test('without the baseline there is no ratio, and the rest is still told', () => {
  const [nginx] = summarize([peer('nginx', 20, 22)]);

  assert.equal(nginx?.cpuUsPerRequest.ratio, null);
  assert.equal(nginx?.cpuUsPerRequest.value.median, 21);
  assert.equal(nginx?.requestsPerSecond.median, 2000);
});

test('a way without a proxy shows only its rate', () => {
  const none = { ...sample(Number.NaN), busyRatio: Number.NaN, residentBytes: Number.NaN };

  const table = renderTable(summarize([{ name: 'direct', version: 'no proxy', samples: [none] }]));

  assert.match(table, /^direct +- +- +- +- +2000 +no proxy$/m);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sample } from './measurement.ts';
import { type PeerSamples, renderTable, summarize } from './report.ts';

const sample = (cpuUsPerRequest: number): Sample => ({
  requests: 1000,
  failures: 0,
  elapsedMs: 500,
  cpuUsPerRequest,
  busyRatio: 0.5,
  residentBytes: 20e6,
  latency: null,
});

const peer = (name: string, ...cpuUs: number[]): PeerSamples => ({
  name,
  version: '1.0',
  cold: null,
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

  const table = renderTable(
    summarize([{ name: 'direct', version: 'no proxy', cold: none, samples: [none] }]),
  );

  assert.match(table, /^direct +- +- +- +- +2000 +- +no proxy$/m);
});

test('the first second stands beside the rounds, compared with that of the baseline', () => {
  const cold = (name: string, cpuUs: number): PeerSamples => ({ ...peer(name, 20, 20), cold: sample(cpuUs) });

  const summaries = summarize([cold('outrigger', 120), cold('haproxy', 30)]);

  assert.deepEqual(summaries[0]?.cold, { cpuUsPerRequest: 120, ratio: 4, latency: null });
  assert.match(renderTable(summaries), /^outrigger +20\.0 .* 120\.0, 4\.00 +1\.0$/m);
});

test('of a paced load the first second tells its slow answers too', () => {
  const latency = { p50: 1, p90: 2, p99: 80 };
  const paced = { ...sample(30), latency };

  const table = renderTable(summarize([{ name: 'nginx', version: '1.0', cold: paced, samples: [paced] }]));

  assert.match(table, /30\.0 +80\.00 +1\.0$/m);
});

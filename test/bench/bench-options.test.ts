import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './bench-options.ts';

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

test('without a case there are all but the one that takes a minute a peer', () => {
  const { workloads, studies, isNamed } = readOptions([]);

  assert.equal(workloads.length, 11);
  assert.deepEqual(names(studies), ['footprint', 'hosts', 'loop-delay']);
  assert.equal(isNamed, false);
});

test('what is named runs alone, be it a load or a study', () => {
  const load = readOptions(['latency']);
  const study = readOptions(['slow-clients']);

  assert.deepEqual([names(load.workloads), names(load.studies)], [['latency'], []]);
  assert.deepEqual([names(study.workloads), names(study.studies)], [[], ['slow-clients']]);
});

test('a case or a peer that is not there is answered by those that are', () => {
  assert.throws(() => readOptions(['keepalife']), /no case keepalife; there are keepalive, .*slow-clients/);
  assert.throws(
    () => readOptions(['--peers', 'outrigger,squid']),
    /no peer squid; there are outrigger, .*direct/,
  );
});

test('a peer on request takes part where it is named, and only there', () => {
  assert.equal(names(readOptions([]).peers).includes('outrigger-undici'), false);
  assert.deepEqual(names(readOptions(['--peers', 'outrigger-undici']).peers), ['outrigger-undici']);
});

test('a study looks as long as it does by itself, unless the line says how long', () => {
  assert.equal(readOptions(['loop-delay']).studySeconds, null);
  assert.equal(readOptions(['loop-delay', '--seconds', '7']).studySeconds, 7);
});

test('the warm-up may be longer, shorter or left out, and must be a length of time', () => {
  assert.equal(readOptions(['--warmup', '2.5']).warmUpMs, 2500);
  assert.equal(readOptions(['--warmup', '0']).warmUpMs, 0);
  assert.throws(() => readOptions(['--warmup', 'long']), /--warmup takes seconds/);
});

test('the guard measures its four cases with two peers, whatever else is said', () => {
  const { workloads, studies, peers } = readOptions(['--guard', '--peers', 'nginx']);

  assert.deepEqual(names(workloads), ['keepalive', 'body64k', 'short', 'tcp-small']);
  assert.deepEqual([names(studies), names(peers)], [[], ['outrigger', 'haproxy']]);
});

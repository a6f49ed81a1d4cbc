/**
 * What a request costs in a proxy, compared with its peers:
 *
 *     npm run bench -- [CASE…] [--rounds N] [--seconds S] [--peers NAME,NAME] [--json FILE]
 *     npm run bench -- --guard [--record]
 *
 * Without a case, all of them, within ten minutes. `--guard` takes a minute and fails when we have become dearer than the
 * record says; `--record` writes the record anew instead. docs/performance.md says how it measures and how to read the tables.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchCase, cases } from './cases.ts';
import { type Footprint, renderFootprints } from './footprint.ts';
import { guardedCases, ratiosIn, readRecord, regressions, writeRecord } from './guard.ts';
import { type CaseResult, renderOverview } from './overview.ts';
import { baseline, type Peer, peers } from './peers.ts';
import { killAll } from './pinned-process.ts';
import { renderTable, summarize } from './report.ts';
import { makeDirectory, runCase, runFootprints } from './run-case.ts';

interface Options {
  readonly workloads: readonly BenchCase[];
  readonly hasFootprint: boolean;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly jsonFile: string;
  readonly isGuard: boolean;
  readonly isRecording: boolean;
}

/** One case alone is worth more rounds than each of a dozen. */
const roundsOf = {
  one: { rounds: '10', seconds: '1' },
  all: { rounds: '6', seconds: '0.5' },
  guard: { rounds: '8', seconds: '0.6' },
} as const;

/** The one case that is no load. */
const footprintCase = 'footprint';

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      peers: { type: 'string', default: peers.map((peer) => peer.name).join(',') },
      json: { type: 'string', default: 'bench-results/latest.json' },
      guard: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  const names = [...cases.map(({ name }) => name), footprintCase];
  const stray = positionals.find((name) => !names.includes(name));
  if (stray !== undefined) throw usage(`no case ${stray}; there are ${names.join(', ')}`);
  const isWanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const { guard: isGuard, record: isRecording } = values;
  if (isGuard) positionals.splice(0, positionals.length, ...guardedCases);
  const usual = isGuard ? roundsOf.guard : positionals.length === 1 ? roundsOf.one : roundsOf.all;
  const rounds = Number(values.rounds ?? usual.rounds);
  const seconds = Number(values.seconds ?? usual.seconds);
  if (!(rounds >= 1) || !(seconds > 0)) throw usage('--rounds and --seconds take positive numbers');
  const wanted = isGuard ? ['outrigger', baseline] : values.peers.split(',');
  const stranger = wanted.find((name) => !peers.some((peer) => peer.name === name));
  if (stranger !== undefined) throw usage(`no peer ${stranger}`);
  return {
    workloads: cases.filter(({ name }) => isWanted(name)),
    hasFootprint: isWanted(footprintCase),
    peers: peers.filter((peer) => wanted.includes(peer.name)),
    rounds,
    seconds,
    jsonFile: values.json,
    isGuard,
    isRecording,
  };
}

function usage(why: string): Error {
  return new Error(
    `${why}\nusage: bench [CASE…] [--rounds N] [--seconds S] [--peers NAME,NAME] [--json FILE]`,
  );
}

async function main(): Promise<void> {
  const options = readOptions();
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    throw new Error('it needs Linux and two cores: one for the proxy, one for the load');
  }
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const directory = makeDirectory();

  const { workloads, rounds, seconds, jsonFile } = options;
  const results: (CaseResult & { readonly raw: unknown })[] = [];
  for (const workload of workloads) {
    const { name, title, connections } = workload;
    console.log(
      `\n${name}: ${title}, ${connections} connections at a time, ${rounds} rounds of ${seconds} s`,
    );
    const { results: raw, othersCores } = await runCase(workload, options, directory);
    const summaries = summarize(raw);
    console.log(renderTable(summaries));
    console.log(`other programs kept ${othersCores.toFixed(2)} cores busy meanwhile`);
    results.push({ name, title, summaries, othersCores, raw });
  }
  let footprints: Footprint[] = [];
  if (options.hasFootprint) {
    console.log('\nfootprint: what a proxy takes beside its requests');
    footprints = await runFootprints(
      options.peers.filter(({ name }) => name !== 'direct'),
      directory,
    );
    console.log(renderFootprints(footprints));
  }
  if (results.length > 1) console.log(`\n${renderOverview(results)}`);
  const at = new Date().toISOString();
  const report = { at, node: process.version, rounds, seconds, cases: results, footprints };
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(report)}\n`);
  console.log(`\nevery round: ${jsonFile}`);
  if (options.isGuard) guard(results, options.isRecording);
}

/** Compares with the record, or makes another one. */
function guard(results: readonly CaseResult[], isRecording: boolean): void {
  const now = ratiosIn(results);
  if (Object.keys(now).length === 0) {
    console.log(`skipped: nothing to compare with: ${baseline} did not run`);
  } else if (isRecording) {
    writeRecord(now);
    console.log('recorded');
  } else {
    const grown = regressions(now, readRecord());
    for (const line of grown) console.error(line);
    if (grown.length > 0)
      throw new Error('dearer than on record; where that is meant, write it anew with --record');
    console.log('no dearer than on record');
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

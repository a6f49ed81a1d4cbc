/**
 * What a request costs in a proxy, compared with its peers: `npm run bench -- [case] [--rounds N] [--seconds S]
 * [--peers NAME,NAME] [--json FILE]`. docs/performance.md says how it measures and how to read the table.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { type BenchCase, type BenchMode, cases } from './cases.ts';
import { measure } from './measurement.ts';
import { type BenchUpstream, type Peer, peers, type RunningPeer, rigCore } from './peers.ts';
import { freePort, killAll, PinnedProcess } from './pinned-process.ts';
import { busyNsOfMachine, usageOfTree } from './process-tree.ts';
import { type PeerSamples, renderTable, summarize } from './report.ts';
import type { UpstreamReady } from './rig-messages.ts';

interface Options {
  readonly workload: BenchCase;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly jsonFile: string | null;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '1' },
      peers: { type: 'string', default: peers.map((peer) => peer.name).join(',') },
      json: { type: 'string' },
    },
  });
  const name = positionals[0] ?? 'keepalive';
  const workload = cases.find((known) => known.name === name);
  if (workload === undefined)
    throw usage(`no case ${name}; there are ${cases.map((c) => c.name).join(', ')}`);
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  if (!(rounds >= 1) || !(seconds > 0)) throw usage('--rounds and --seconds take positive numbers');
  const wanted = values.peers.split(',');
  const stranger = wanted.find((name) => !peers.some((peer) => peer.name === name));
  if (stranger !== undefined) throw usage(`no peer ${stranger}`);
  return {
    workload,
    peers: peers.filter((peer) => wanted.includes(peer.name)),
    rounds,
    seconds,
    jsonFile: values.json ?? null,
  };
}

function usage(why: string): Error {
  return new Error(
    `${why}\nusage: bench [case] [--rounds N] [--seconds S] [--peers NAME,NAME] [--json FILE]`,
  );
}

function program(file: string, ...args: string[]): PinnedProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new PinnedProcess({ core: rigCore, command: [process.execPath, path, ...args], hasIpc: true });
}

interface Outcome {
  readonly results: readonly PeerSamples[];
  /** Cores that were busy with something else meanwhile. Much above 0, the figures are in doubt. */
  readonly othersCores: number;
}

interface Entrant {
  readonly running: RunningPeer;
  readonly result: PeerSamples;
}

/** A certificate for the upstream; who issued it is made with it, and goes with the run. */
function makeCertificates() {
  if (noCertificates !== false) throw new Error(noCertificates);
  const closers: (() => unknown)[] = [];
  const authority = makeAuthority({ after: (close) => closers.push(close) });
  process.once('exit', () => {
    for (const close of closers) close();
  });
  return { ...authority.issue({ names: ['DNS:items.example'] }), caFile: authority.own.certFile };
}

/** Starts those that are installed, and names the others. */
async function startPeers(
  wanted: readonly Peer[],
  mode: BenchMode,
  upstream: BenchUpstream,
  directory: string,
) {
  const field: Entrant[] = [];
  for (const peer of wanted) {
    const version = peer.version(mode);
    if (typeof version !== 'string') {
      console.log(`skipped: ${peer.name}: ${version.missing}`);
      continue;
    }
    const own = join(directory, peer.name);
    mkdirSync(own, { recursive: true });
    const running = await peer.start(mode, upstream, own);
    field.push({ running, result: { name: peer.name, version, samples: [] } });
  }
  return field;
}

async function run(options: Options, directory: string): Promise<Outcome> {
  const { workload, rounds, seconds } = options;
  const secured = workload.mode === 'tls' ? makeCertificates() : null;
  const files = secured === null ? [] : [secured.certFile, secured.keyFile];
  const { bodyBytes, requestBytes, mode } = workload;
  const upstream = program('./upstream.ts', String(Math.max(128, bodyBytes)), String(requestBytes), ...files);
  const listening = await upstream.ask<UpstreamReady>(null, 10_000);
  // A port on which nobody listens.
  const port = mode === 'refusing' ? await freePort() : listening.port;
  const behind = { port, caFile: secured?.caFile ?? '' };
  const generator = program('./generator.ts');

  const field = await startPeers(options.peers, workload.mode, behind, directory);
  const results = field.map(({ result }) => result);

  const others = watchOthers();
  // The first round lets compilers and caches settle, and is thrown away.
  for (let round = 0; round <= rounds; round++) {
    for (const { running, result } of field) {
      const sample = await measure(generator, running, workload, seconds * 1000);
      if (round > 0) result.samples.push(sample);
    }
    // The speed of a shared machine drifts: turning the order round keeps one peer from always coming first.
    field.reverse();
  }
  const othersCores = others();
  for (const { running } of field) await running.process?.stop();
  await generator.stop();
  await upstream.stop();
  return { results, othersCores };
}

/** Starts watching; what it returns tells how many cores other programs have kept busy since. */
function watchOthers(): () => number {
  const now = () => ({
    at: performance.now(),
    othersNs: busyNsOfMachine() - usageOfTree(process.pid).cpuNs,
  });
  const before = now();
  return () => {
    const after = now();
    return Math.max(0, (after.othersNs - before.othersNs) / 1e6 / (after.at - before.at));
  };
}

async function main(): Promise<void> {
  const options = readOptions();
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    throw new Error('it needs Linux and two cores: one for the proxy, one for the load');
  }
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  process.once('exit', () => {
    killAll();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

  const { workload, rounds, seconds } = options;
  console.log(
    `${workload.name}: ${workload.title}, ${workload.connections} connections at a time, ${rounds} rounds of ${seconds} s`,
  );
  const { results, othersCores } = await run(options, directory);
  const summaries = summarize(results);
  console.log(renderTable(summaries));
  console.log(`other programs kept ${othersCores.toFixed(2)} cores busy meanwhile`);
  if (options.jsonFile !== null) {
    const report = {
      case: workload,
      rounds,
      seconds,
      node: process.version,
      othersCores,
      summaries,
      results,
    };
    writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

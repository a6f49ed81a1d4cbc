/**
 * What a request costs in a proxy, compared with its peers:
 *
 *     npm run bench -- [CASE…] [--rounds N] [--seconds S] [--warmup S] [--peers NAME,NAME] [--json FILE]
 *     npm run bench -- --guard [--record]
 *
 * Without a case, all of them but `slow-clients`, within ten minutes. `--guard` takes a minute and fails when we have become dearer than the
 * record says; `--record` writes the record anew instead. docs/performance.md says how it measures and how to read the tables.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { readOptions } from './bench-options.ts';
import { ratiosIn, readRecord, regressions, writeRecord } from './guard.ts';
import { type CaseResult, renderOverview } from './overview.ts';
import { rigCore } from './peer-kinds.ts';
import { baseline } from './peers.ts';
import { killAll } from './pinned-process.ts';
import { watchOthers } from './process-tree.ts';
import { renderTable, summarize } from './report.ts';
import { makeDirectory } from './rig-program.ts';
import { runCase } from './run-case.ts';

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    throw new Error('it needs Linux and two cores: one for the proxy, one for the load');
  }
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  keepOffTheProxy();
  const directory = makeDirectory();
  const context = { ...options, makeDirectory: () => mkdtempSync(join(directory, 'peer-')) };

  const { rounds, seconds, warmUpMs, studySeconds, jsonFile } = options;
  const results: (CaseResult & { readonly raw: unknown })[] = [];
  for (const workload of options.workloads) {
    const { name, title, connections } = workload;
    console.log(
      `\n${name}: ${title}, ${connections} connections at a time, ${rounds} rounds of ${seconds} s`,
    );
    const { results: raw, othersCores } = await runCase(workload, context);
    const summaries = summarize(raw);
    console.log(renderTable(summaries));
    tellOthers(othersCores);
    results.push({ name, title, summaries, othersCores, raw });
  }
  const studies: Record<string, unknown> = {};
  for (const study of options.studies) {
    console.log(`\n${study.name}: ${study.title}`);
    const others = watchOthers();
    const { table, figures } = await study.run({ ...context, seconds: studySeconds });
    const othersCores = others();
    console.log(table);
    tellOthers(othersCores);
    studies[study.name] = { figures, othersCores };
  }
  if (results.length > 1) console.log(`\n${renderOverview(results)}`);
  const at = new Date().toISOString();
  const report = { at, node: process.version, rounds, seconds, warmUpMs, cases: results, studies };
  mkdirSync(dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${JSON.stringify(report)}\n`);
  console.log(`\nevery round: ${jsonFile}`);
  if (options.isGuard) guard(results, options.isRecording);
}

/** What this process does meanwhile, such as reading streams, is none of the proxy's work. */
function keepOffTheProxy(): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(rigCore), String(process.pid)]);
}

function tellOthers(cores: number): void {
  console.log(`other programs kept ${cores.toFixed(2)} cores busy meanwhile`);
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

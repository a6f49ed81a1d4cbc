/**
 * How long Outrigger takes from being started to its first answer, what processor time that takes, and how much memory it
 * has a second later: the source as it stands, the bundle that is made of it, and the bundle with its code cache, in turns.
 * Usage: `node test/bench/startup.ts [--runs N] [--also FILE]`; FILE is the `outrigger.js` of another build.
 */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundledProgram } from './bundled-program.ts';
import { firstAnswer } from './first-answer.ts';
import { freePort, killAll, PinnedProcess } from './pinned-process.ts';
import { usageOfTree } from './process-tree.ts';
import { quartiles } from './statistics.ts';

interface Start {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly residentMb: number;
}

/** What is started, and what came of it so far. */
interface Variant {
  readonly name: string;
  readonly program: string;
  readonly starts: Start[];
}

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

async function start(program: string): Promise<Start> {
  const [egress, admin] = [await freePort(), await freePort()];
  const listen = ['--egress', `127.0.0.1:${egress}`, '--admin', `127.0.0.1:${admin}`];
  const startedAt = performance.now();
  const child = new PinnedProcess({
    core: 0,
    command: [process.execPath, program, 'run', ...listen],
    hasIpc: false,
  });
  await child.listening(egress);
  await firstAnswer(egress);
  const elapsedMs = performance.now() - startedAt;
  const cpuMs = usageOfTree(child.pid).cpuNs / 1e6;
  await delay(1000);
  const residentMb = usageOfTree(child.pid).residentBytes / 1e6;
  await child.stop();
  return { elapsedMs, cpuMs, residentMb };
}

/** Median and quartiles, in whole numbers. */
const inWords = (values: readonly number[]): string => {
  const { lower, median, upper } = quartiles(values);
  return `${Math.round(median)} (${Math.round(lower)}–${Math.round(upper)})`;
};

const report = ({ name, starts }: Variant): string => {
  const elapsed = inWords(starts.map(({ elapsedMs }) => elapsedMs));
  const cpu = inWords(starts.map(({ cpuMs }) => cpuMs));
  const memory = quartiles(starts.map(({ residentMb }) => residentMb)).median;
  return `${name}: first answer after ${elapsed} ms, ${cpu} ms on a core; ${memory.toFixed(1)} MB`;
};

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10' }, also: { type: 'string' } },
});
process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const bundle = bundledProgram();
const cached = mkdtempSync(join(tmpdir(), 'outrigger-cached-'));
process.once('exit', () => rmSync(cached, { recursive: true, force: true }));
cpSync(dirname(bundle), cached, { recursive: true });
execFileSync(process.execPath, [pathOf('../../deploy/start/code-cache.ts'), cached]);

const programs: Readonly<Record<string, string | undefined>> = {
  source: pathOf('../../src/main.ts'),
  bundle,
  'bundle with its code cache': join(cached, 'outrigger.js'),
  'the other bundle': values.also,
};
const variants: readonly Variant[] = Object.entries(programs).flatMap(([name, program]) =>
  program === undefined ? [] : [{ name, program, starts: [] }],
);
// The first start reads the files from the disk, and is thrown away.
for (const { program } of variants) await start(program);
for (let run = 0; run < Number(values.runs); run++) {
  for (const { program, starts } of run % 2 === 0 ? variants : variants.toReversed())
    starts.push(await start(program));
}
for (const variant of variants) console.log(report(variant));

/**
 * How long Outrigger takes from being started to its first answer, and how much memory it has then: the source as it
 * stands, and the bundle that is made of it. Usage: `node test/bench/startup.ts [--runs N]`.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundledProgram } from './bundled-program.ts';
import { firstAnswer } from './first-answer.ts';
import { freePort, killAll, PinnedProcess } from './pinned-process.ts';
import { usageOfTree } from './process-tree.ts';
import { quartiles } from './statistics.ts';

interface Start {
  readonly elapsedMs: number;
  readonly residentBytes: number;
}

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
  const { residentBytes } = usageOfTree(child.pid);
  await child.stop();
  return { elapsedMs, residentBytes };
}

async function report(name: string, program: string, runs: number): Promise<void> {
  const starts: Start[] = [];
  // The first start reads the files from the disk, and is thrown away.
  for (let run = 0; run <= runs; run++) starts.push(await start(program));
  starts.shift();
  const { lower, median, upper } = quartiles(starts.map(({ elapsedMs }) => elapsedMs));
  const memory = quartiles(starts.map(({ residentBytes }) => residentBytes)).median / 1e6;
  console.log(
    `${name}: first answer after ${Math.round(median)} ms (${Math.round(lower)}–${Math.round(upper)}), ${Math.round(memory)} MB`,
  );
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '10' } } });
process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const runs = Number(values.runs);
await report('source', fileURLToPath(new URL('../../src/main.ts', import.meta.url)), runs);
await report('bundle', bundledProgram(), runs);

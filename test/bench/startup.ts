/**
 * How long Outrigger takes from being started to its first answer, and how much memory it has then: the source as it
 * stands, and the bundle if `npm run build` has made one. Usage: `node test/bench/startup.ts [--runs N]`.
 */

import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
  await answerOf(egress);
  const elapsedMs = performance.now() - startedAt;
  const { residentBytes } = usageOfTree(child.pid);
  await child.stop();
  return { elapsedMs, residentBytes };
}

/** Any answer will do: a request for the proxy itself gets one of its own. */
function answerOf(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('closed without an answer')));
  });
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

const programs = { source: '../../src/main.ts', bundle: '../../dist/outrigger.js' };
for (const [name, file] of Object.entries(programs)) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  if (existsSync(path)) await report(name, path, Number(values.runs));
  else console.log(`skipped: ${name} (there is no ${file.slice('../../'.length)})`);
}

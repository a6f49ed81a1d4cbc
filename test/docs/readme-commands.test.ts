import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutProgram } from '../rig/command-client.ts';
import { runProgram } from '../rig/program.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { blocksOf, readPage } from './pages.ts';

/** The commands of the README, as they stand there, and what it says that they print. */

const skip = withoutProgram('curl');

interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands of a block, each with the lines below it. */
const commandsOf = (block: string): Shown[] =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.trimEnd().split('\n');
      return { command, output };
    });

/** What is another one at each run: ids, times, and what follows from them. */
const varying: readonly RegExp[] = [
  /(?<="requestId":")[0-9a-f]{6}-\d+/,
  /(?<="retryAfterMs":)\d+/,
  /(?<=^ *"inStateMs": )[\d.]+/,
  /(?<=next probe in )[\d.]+/,
  /(?<=^Retry-After: )[1-5]$/,
  /(?<=^\d{3} in )[\d.]+/,
];

const plain = (line: string): string =>
  varying.reduce((text, pattern) => text.replace(pattern, '…'), line.trimEnd());

/**
 * Holds an output to what is shown of it, and to how much is said to be left out between two lines. How much there is at
 * the end changes with every key of the configuration, and is not looked at.
 */
const holdTo = (shown: readonly string[], actual: readonly string[]): void => {
  let at = 0;
  for (const [index, line] of shown.entries()) {
    const leftOut = /^\[(\d+) lines left out\]$/.exec(line);
    if (leftOut !== null) at = index === shown.length - 1 ? actual.length : at + Number(leftOut[1]);
    else {
      assert.equal(plain(actual[at] ?? ''), plain(line));
      at += 1;
    }
  }
  assert.equal(actual.length, at, 'lines in all');
};

test('a breaker opens as the README shows it', { skip }, async (t) => {
  const section = /^## A breaker opens\n[\s\S]*?^## /m.exec(readPage('README.md').text)?.[0] ?? '';
  const shown = blocksOf({ path: 'README.md', text: section }, 'console').flatMap(commandsOf);
  assert.equal(shown.length, 4);
  // The embedded default, on ports of our own.
  const sidecar = await startSidecarProcess(t, { egress: { unlisted: 'allow' } });

  for (const { command, output } of shown) {
    const here = command
      .replaceAll('127.0.0.1:7400', `127.0.0.1:${sidecar.egress.port}`)
      .replaceAll('127.0.0.1:7401', `127.0.0.1:${sidecar.admin.port}`);
    const actual = await runProgram(t, 'bash', ['-c', here]);
    holdTo(output, actual.trimEnd().split('\n'));
  }
});

/**
 * pgbench through the sidecar and without it, in turns, so that what else the machine does falls on both alike: what the
 * sidecar costs in transactions per second, and that none of them fails. Takes about 2½ minutes, `--short` half a minute.
 *
 *     node test/experiments/tcp-postgres.ts [--short] [--seconds N]
 *
 * N: how long pgbench runs through the sidecar, in all; without it, as long again
 */

import { loadavg } from 'node:os';
import { percentile } from '../rig/percentile.ts';
import { postgresMissing, startPostgres } from '../rig/postgres-server.ts';
import { runProgram } from '../rig/program.ts';
import { freePort, startSidecarProcess } from '../rig/sidecar-process.ts';
import { exactly, readOptions, reported, runExperiment } from './experiment.ts';

const { isShort, seconds = isShort ? 12 : 60, keepRaw } = readOptions();
const rounds = isShort ? 4 : 12;
const roundSeconds = Math.max(1, Math.round(seconds / rounds));

interface Round {
  readonly way: 'direct' | 'through';
  readonly perSecond: number;
  readonly failed: number;
  readonly done: number;
}

await runExperiment(
  `pgbench, ${rounds} rounds of ${roundSeconds} s each way`,
  async (owner) => {
    if (postgresMissing) throw new Error(postgresMissing);
    const server = await startPostgres(owner);
    const port = await freePort();
    const sidecar = await startSidecarProcess(owner, {
      upstreams: { db: { protocol: 'tcp', listen: `127.0.0.1:${port}`, endpoints: [server.address] } },
    });
    const pgbench = (args: string, at: number): Promise<string> =>
      runProgram(owner, 'pgbench', `${args} -h 127.0.0.1 -p ${at} -U postgres postgres`.split(' '));
    await pgbench('-i -q -s 10', server.port);

    const play = async (way: Round['way']): Promise<Round> => {
      const report = await pgbench(`-c 8 -j 2 -T ${roundSeconds}`, way === 'direct' ? server.port : port);
      return {
        way,
        perSecond: numberIn(report, /^tps = ([\d.]+) /m),
        failed: numberIn(report, /^number of failed transactions: (\d+) /m),
        done: numberIn(report, /^number of transactions actually processed: (\d+)/m),
      };
    };
    const played: Round[] = [];
    const ratios: number[] = [];
    await play('direct');
    for (let round = 0; round < rounds; round += 1) {
      // Who goes first changes, so that nobody always has the warmer server.
      const pair = [await play(round % 2 === 0 ? 'direct' : 'through')];
      pair.push(await play(round % 2 === 0 ? 'through' : 'direct'));
      const rate = (way: Round['way']): number => pair.find((one) => one.way === way)!.perSecond;
      ratios.push(rate('through') / rate('direct'));
      played.push(...pair);
    }
    keepRaw('rounds', played);
    const through = played.filter(({ way }) => way === 'through');
    const rates = (way: Round['way']): number[] =>
      played.filter((one) => one.way === way).map(({ perSecond }) => perSecond);
    const metrics = await sidecar.metrics();
    return [
      exactly('failed transactions through the sidecar', sum(through.map(({ failed }) => failed)), 0),
      reported('transactions through the sidecar', sum(through.map(({ done }) => done))),
      reported('transactions/s through the sidecar, median', percentile(rates('through'), 50)),
      reported('transactions/s without it, median', percentile(rates('direct'), 50)),
      reported('their ratio in a round, lower quartile', percentile(ratios, 25)),
      reported('median', percentile(ratios, 50)),
      reported('upper quartile', percentile(ratios, 75)),
      exactly('connections still held', metrics.sum('bulkhead_in_flight', { upstream: 'db' }), 0),
      reported('load of the machine at the end', loadavg()[0]!),
    ];
  },
  2 * (seconds + 60) * 1000,
);

function numberIn(report: string, pattern: RegExp): number {
  const found = pattern.exec(report);
  if (found === null) throw new Error(`pgbench does not say ${pattern}: ${report}`);
  return Number(found[1]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

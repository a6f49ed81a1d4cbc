import { parseArgs } from 'node:util';
import { type BenchCase, cases } from './cases.ts';
import { guardedCases } from './guard.ts';
import type { Peer } from './peer-kinds.ts';
import { baseline, peers } from './peers.ts';
import { studies } from './studies.ts';
import type { Study } from './study.ts';

/** What the command line asks for. */
export interface BenchOptions {
  readonly workloads: readonly BenchCase[];
  readonly studies: readonly Study[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** Of each round. */
  readonly seconds: number;
  /** How long studies look; null: as long as they do by themselves. */
  readonly studySeconds: number | null;
  /** Load before counting begins, for those that are compiled while they run. */
  readonly warmUpMs: number;
  /** True: the command line says which cases. */
  readonly isNamed: boolean;
  readonly jsonFile: string;
  readonly isGuard: boolean;
  readonly isRecording: boolean;
}

/** One case alone is worth more rounds than each of a dozen. */
const usual = {
  one: { rounds: '10', seconds: '1', warmup: '6' },
  all: { rounds: '5', seconds: '0.5', warmup: '6' },
  guard: { rounds: '7', seconds: '0.5', warmup: '5' },
} as const;

/** Throws with a text for people where the line says what is not there. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      peers: { type: 'string' },
      json: { type: 'string', default: 'bench-results/latest.json' },
      guard: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  const { guard: isGuard, record: isRecording } = values;
  const named = isGuard ? guardedCases : positionals;
  allKnown(
    'case',
    named,
    [...cases, ...studies].map(({ name }) => name),
  );
  const lengths = isGuard ? usual.guard : named.length === 1 ? usual.one : usual.all;
  const rounds = Number(values.rounds ?? lengths.rounds);
  const seconds = Number(values.seconds ?? lengths.seconds);
  const warmUpMs = Number(values.warmup ?? lengths.warmup) * 1000;
  if (!(rounds >= 1) || !(seconds > 0)) throw usage('--rounds and --seconds take positive numbers');
  if (!(warmUpMs >= 0)) throw usage('--warmup takes seconds, or 0');
  return {
    workloads: cases.filter(({ name }) => named.length === 0 || named.includes(name)),
    studies: studies.filter(({ name, isUsual }) => (named.length === 0 ? isUsual : named.includes(name))),
    peers: peersOf(isGuard ? ['outrigger', baseline] : (values.peers?.split(',') ?? null)),
    rounds,
    seconds,
    studySeconds: values.seconds === undefined ? null : seconds,
    warmUpMs,
    isNamed: named.length > 0,
    jsonFile: values.json,
    isGuard,
    isRecording,
  };
}

/** null: all but those that want to be named. */
function peersOf(wanted: readonly string[] | null): readonly Peer[] {
  if (wanted === null) return peers.filter(({ isOnRequest }) => !isOnRequest);
  allKnown(
    'peer',
    wanted,
    peers.map(({ name }) => name),
  );
  return peers.filter(({ name }) => wanted.includes(name));
}

function allKnown(what: string, names: readonly string[], known: readonly string[]): void {
  const stranger = names.find((name) => !known.includes(name));
  if (stranger !== undefined) throw usage(`no ${what} ${stranger}; there are ${known.join(', ')}`);
}

function usage(why: string): Error {
  return new Error(
    `${why}\nusage: bench [CASE…] [--rounds N] [--seconds S] [--warmup S] [--peers NAME,NAME] [--json FILE]`,
  );
}

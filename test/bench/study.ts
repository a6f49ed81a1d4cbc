import type { Peer } from './peer-kinds.ts';

/** What a study is given. */
export interface StudyContext {
  /** Those that were wanted, installed or not. */
  readonly peers: readonly Peer[];
  /** Load before counting begins, for those that are compiled while they run. */
  readonly warmUpMs: number;
  /** How long to look; null: as long as the study does by itself. */
  readonly seconds: number | null;
  /** True: its name was on the command line, so that there is time for all of it. */
  readonly isNamed: boolean;
  /** A new, empty folder. */
  readonly makeDirectory: () => string;
}

/** What came out, for people and for programs. */
export interface Findings {
  readonly table: string;
  readonly figures: unknown;
}

/** A case whose result is not the CPU time of a request: it has a table of its own. */
export interface Study {
  readonly name: string;
  readonly title: string;
  /** False: it takes so long that it runs only where it is named. */
  readonly isUsual: boolean;
  run(context: StudyContext): Promise<Findings>;
}

/** The lines that name who is left out, and why. */
export function tellAbsent(name: string, missing: string): void {
  console.log(`skipped: ${name}: ${missing}`);
}

import { setTimeout as wait } from 'node:timers/promises';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** What is asked of a program in which something has gone wrong that cannot go wrong. */
export interface Endangered {
  /** Puts it on record, before it returns. */
  noteDefect(error: unknown): void;
  /** Serves what is there to serve, then ends. */
  drain(): Promise<void>;
}

/** Where an exception or a rejection that nobody caught comes up: the process. */
export interface DefectSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/** Nothing that this process says or holds can be relied on any more: this long, and no exchange longer. */
const LAST_WORDS_MS = 900;

/**
 * Resolves after a defect, with the exit code: everything is put on record, readiness is off at once, what is nearly
 * done may end, and within a second it is over. Whoever started the process starts it anew.
 */
export const untilDefect = (source: DefectSource, app: Endangered): Promise<ExitCode> =>
  new Promise((resolve, reject) => {
    let isEnding = false;
    source.on('uncaughtException', (error) => {
      app.noteDefect(error);
      if (isEnding) return;
      isEnding = true;
      Promise.race([app.drain(), wait(LAST_WORDS_MS)]).then(() => resolve(exitCodes.failed), reject);
    });
  });

/** Ends as `stopped` says, unless there was a defect meanwhile: then with its exit code, whatever had been going on. */
export const unlessDefect = async (
  source: DefectSource,
  app: Endangered,
  stopped: Promise<ExitCode>,
): Promise<ExitCode> => {
  let hasDefect = false;
  const defect = untilDefect(source, {
    noteDefect: (error) => {
      hasDefect = true;
      app.noteDefect(error);
    },
    drain: () => app.drain(),
  });
  const code = await Promise.race([stopped, defect]);
  return hasDefect ? exitCodes.failed : code;
};

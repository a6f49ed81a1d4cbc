/**
 * Loaded into the process that is looked at, before its program (`node --import`): listens on the unix socket that
 * `OUTRIGGER_PROBE` names, and answers each connection with one {@link ProcessReading} since the one before.
 */
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { longestOfMoments } from './loop-moments.ts';

/** What a process says of itself. Delays in ms, without the millisecond between two looks. */
export interface ProcessReading {
  /** Of a hundred looks at the loop, a millisecond apart, ninety-nine were no later than this. */
  readonly looksP99Ms: number;
  /** Of a hundred moments, ninety-nine lay in no longer a wait than this: a long wait is one look, but many moments. */
  readonly momentsP99Ms: number;
  readonly maxMs: number;
  /** In use after a full collection. */
  readonly heapBytes: number;
}

const RESOLUTION_MS = 1;

const startProbe = (path: string): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  const read = (): ProcessReading => {
    // The collection stops the loop, and is none of the program's doing.
    histogram.disable();
    collect();
    const reading = {
      looksP99Ms: late(histogram.percentile(99)),
      momentsP99Ms: late(longestOfMoments(histogram, 99)),
      maxMs: late(histogram.max),
      heapBytes: process.memoryUsage().heapUsed,
    };
    histogram.reset();
    histogram.enable();
    return reading;
  };
  histogram.enable();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(JSON.stringify(read()));
  });
  server.listen(path);
  server.unref();
};

const path = process.env['OUTRIGGER_PROBE'];
if (path !== undefined) startProbe(path);

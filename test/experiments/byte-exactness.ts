/**
 * Gigabytes of random bodies from nothing to 64 MiB in both directions, over connections that are cut into slices, slowed
 * down or reset: every exchange that is complete has the same bytes at both ends, and what is not complete says so.
 * Takes about two minutes for ten gigabytes.
 *
 *     node test/experiments/byte-exactness.ts [GIGABYTES]
 */
import { randomFillSync } from 'node:crypto';
import { type Fault, startFaultServer } from '../rig/fault-server.ts';
import { type CallResult, makeCaller } from '../rig/http-call.ts';
import { hashOf, startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop } from '../rig/load.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { exactly, reported, runExperiment } from './experiment.ts';

const LARGEST = 64 * 1024 * 1024;
/** Slices of a few bytes take a millisecond each: those are for small bodies. */
const SMALL = 16 * 1024;
const SMALL_EXCHANGES = 200;
const gigabytes = Number(process.argv[2] ?? 10);
const WORKERS = 4;

/** Most bodies are small, most bytes are in large ones. */
const randomSize = (): number => {
  const kind = Math.random();
  if (kind < 0.05) return 0;
  if (kind < 0.5) return Math.floor(Math.random() * 4096);
  if (kind < 0.9) return Math.floor(Math.random() * 1024 * 1024);
  return Math.floor(Math.random() * LARGEST);
};

const randomFault = (): Fault => {
  const kind = Math.random();
  if (kind < 0.7) return { kind: 'none' };
  if (kind < 0.85) return { kind: 'slicer', bytes: 8192 + Math.floor(Math.random() * 57_344) };
  if (kind < 0.95) return { kind: 'reset', afterBytes: Math.floor(Math.random() * 2 * 1024 * 1024) };
  return { kind: 'limit_data', bytes: Math.floor(Math.random() * 2 * 1024 * 1024) };
};

const smallSize = (): number => Math.floor(Math.random() * SMALL);

const smallFault = (): Fault => {
  const kind = Math.random();
  if (kind < 0.7) return { kind: 'slicer', bytes: 1 + Math.floor(Math.random() * 40) };
  if (kind < 0.9) return { kind: 'reset', afterBytes: Math.floor(Math.random() * 2 * SMALL) };
  return { kind: 'limit_data', bytes: Math.floor(Math.random() * 2 * SMALL) };
};

interface Sum {
  bytes: number;
  whole: number;
  wrong: number;
  broken: number;
  refused: number;
}

await runExperiment(
  `${gigabytes} GB of random bodies with slices and resets`,
  async (owner) => {
    const noise = randomFillSync(Buffer.alloc(2 * LARGEST));
    const upstream = await startHttpUpstream(owner, (call, response) => {
      const [start, size, isCounted] = call.path.slice(1).split('/').map(Number) as [number, number, number];
      response.setHeader('x-sent', call.bodyHash);
      if (isCounted === 1) response.setHeader('content-length', size);
      // Connections that last would be struck by one fault or by none: this one is for a few exchanges.
      if (Math.random() < 0.3) response.setHeader('connection', 'close');
      response.end(noise.subarray(start, start + size));
      upstream.calls.length = 0;
    });
    const faults = await startFaultServer(owner, { host: '127.0.0.1', port: upstream.port });
    faults.choose = randomFault;
    const sidecar = await startSidecarProcess(owner, {
      log: { access: 'off' },
      upstreams: { u: { hosts: ['u.test'], endpoints: [faults.address], breaker: { force: 'closed' } } },
    });
    const caller = makeCaller(owner, sidecar.egress, WORKERS);
    const sum: Sum = { bytes: 0, whole: 0, wrong: 0, broken: 0, refused: 0 };

    const judge = (result: CallResult, sentHash: string, expected: Buffer): void => {
      if (result.kind === 'broken') sum.broken += 1;
      else if (result.status !== 200) sum.refused += 1;
      else {
        sum.whole += 1;
        sum.bytes += result.body.length;
        const isRight = result.headers['x-sent'] === sentHash && result.body.equals(expected);
        if (!isRight) sum.wrong += 1;
      }
    };
    const exchange = async (size: () => number): Promise<CallResult> => {
      const [up, down] = [size(), size()];
      const [upFrom, downFrom] = [Math.floor(Math.random() * LARGEST), Math.floor(Math.random() * LARGEST)];
      const body = noise.subarray(upFrom, upFrom + up);
      const result = await caller.call({
        method: 'PUT',
        path: `/${downFrom}/${down}/${Math.random() < 0.5 ? 1 : 0}`,
        body,
        headers: Math.random() < 0.5 ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(up) },
      });
      sum.bytes += up;
      judge(result, hashOf(body), noise.subarray(downFrom, downFrom + down));
      return { kind: 'broken', code: 'counted' };
    };
    while (sum.bytes < gigabytes * 1e9) await closedLoop(50, WORKERS, () => exchange(randomSize));
    faults.choose = smallFault;
    faults.cut();
    await closedLoop(SMALL_EXCHANGES, 16, () => exchange(smallSize));

    const metrics = await sidecar.metrics();
    return [
      reported('bytes, GB', sum.bytes / 1e9),
      reported('exchanges that are whole', sum.whole),
      reported('broken off, and the client saw it', sum.broken),
      reported('answered by the sidecar itself (502, 504)', sum.refused),
      exactly('whole ones with a wrong byte', sum.wrong, 0),
      exactly('requests by the metrics', metrics.sum('requests_total'), sum.whole + sum.broken + sum.refused),
      reported('sidecar memory, MiB, now and most', `${sidecar.memory.now} / ${sidecar.memory.peak}`),
    ];
  },
  1_200_000,
);

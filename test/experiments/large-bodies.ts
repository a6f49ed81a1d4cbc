/**
 * Bodies up to 64 MiB in both directions, chunked and counted: hashes and memory. Takes about 30 s.
 *
 *     node test/experiments/large-bodies.ts [MIB] [ROUNDS]
 */
import { randomFillSync } from 'node:crypto';
import { makeCaller } from '../rig/http-call.ts';
import { hashOf, startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const largest = Number(process.argv[2] ?? 64) * 1024 * 1024;
const rounds = Number(process.argv[3] ?? 12);

await runExperiment(`bodies up to ${largest / 1024 / 1024} MiB`, async (owner) => {
  const body = randomFillSync(Buffer.alloc(largest));
  const upstream = await startHttpUpstream(owner, (call, response) => {
    response.setHeader('x-sent', call.bodyHash);
    if (call.headers['transfer-encoding'] === undefined) response.setHeader('content-length', call.bodyBytes);
    response.end(body.subarray(0, call.bodyBytes));
  });
  const sidecar = await startSidecarProcess(owner, {
    upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address] } },
  });
  const caller = makeCaller(owner, sidecar.egress);
  await caller.call();
  const atStart = sidecar.memory.now;

  let wrong = 0;
  let bytes = 0;
  const memory: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const size = round < 4 ? largest : Math.floor(Math.random() * largest);
    const part = body.subarray(0, size);
    const headers: Record<string, string> =
      round % 2 === 0 ? { 'content-length': String(size) } : { 'transfer-encoding': 'chunked' };
    const result = await caller.call({ method: 'PUT', body: part, headers });
    const expected = hashOf(part);
    const isWhole =
      result.kind === 'answer' && result.headers['x-sent'] === expected && hashOf(result.body) === expected;
    if (!isWhole) wrong += 1;
    bytes += 2 * size;
    memory.push(sidecar.memory.now);
  }

  return [
    reported('transferred, MiB', Math.round(bytes / 1024 / 1024)),
    exactly('transfers with a wrong hash', wrong, 0),
    reported('memory at start, MiB', atStart),
    // 64 MiB that the limits allow for buffers, and 30 for everything else.
    atMost('peak memory above the start, MiB', sidecar.memory.peak - atStart, 94),
    atMost('growth from the fourth transfer to the last, MiB', memory.at(-1)! - memory[3]!, 24),
  ];
});

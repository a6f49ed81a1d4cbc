import type { BenchCase } from './cases.ts';
import type { RunningPeer } from './peers.ts';
import type { PinnedProcess } from './pinned-process.ts';
import { type Usage, usageOfTree } from './process-tree.ts';
import type { GeneratorOrder, GeneratorReply, Latency } from './rig-messages.ts';

/** One peer under load for one round. */
export interface Sample {
  readonly requests: number;
  readonly elapsedMs: number;
  /** CPU time of the proxy. NaN where there is none; so are the next two. */
  readonly cpuUsPerRequest: number;
  /** Share of the round that the proxy was on its core. */
  readonly busyRatio: number;
  readonly residentBytes: number;
  /** null: the load was not paced. */
  readonly latency: Latency | null;
}

/** Puts one peer under load. The readings are taken while nothing is under way, when the kernel's figures are exact. */
export async function measure(
  generator: PinnedProcess,
  peer: RunningPeer,
  workload: BenchCase,
  durationMs: number,
): Promise<Sample> {
  const { connections, status, bodyBytes, isKept, perSecond } = workload;
  const request = requestOf(workload);
  const order = async (message: GeneratorOrder): Promise<GeneratorReply> => {
    const reply = await generator.ask<GeneratorReply>(message, durationMs + 10_000);
    if (reply.kind !== 'failed') return reply;
    throw new Error(`${peer.name}: ${reply.why}\n${peer.process?.lastWords ?? ''}`);
  };
  const { port } = peer;
  await order({ kind: 'connect', port, connections, request, status, bodyBytes, isKept, perSecond });
  const before = usage(peer);
  const ran = await order({ kind: 'run', durationMs });
  const after = usage(peer);
  await order({ kind: 'close' });
  if (ran.kind !== 'ran') throw new Error(`the generator answered out of turn: ${ran.kind}`);
  const cpuNs = after.cpuNs - before.cpuNs;
  return {
    requests: ran.requests,
    elapsedMs: ran.elapsedMs,
    cpuUsPerRequest: cpuNs / 1000 / ran.requests,
    busyRatio: cpuNs / 1e6 / ran.elapsedMs,
    residentBytes: after.residentBytes,
    latency: ran.latency,
  };
}

/** What the clients of a workload send, each time. */
export function requestOf({ path, requestBytes }: BenchCase): string {
  const head = [
    `${requestBytes === 0 ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    'Host: items.example',
    'User-Agent: outrigger-bench',
    'Accept: application/json',
    'Accept-Encoding: identity',
    'X-Request-Id: 0123456789abcdef',
    // What may be sent again is repeated by those who can: then they must keep it.
    ...(requestBytes === 0 ? [] : ['Idempotency-Key: 0123456789abcdef', `Content-Length: ${requestBytes}`]),
  ];
  return `${head.join('\r\n')}\r\n\r\n${'x'.repeat(requestBytes)}`;
}

function usage(peer: RunningPeer): Usage {
  if (peer.process === null) return { cpuNs: Number.NaN, residentBytes: Number.NaN };
  return usageOfTree(peer.process.pid);
}

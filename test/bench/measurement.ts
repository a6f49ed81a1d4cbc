import type { BenchCase } from './cases.ts';
import type { RunningPeer } from './peer-kinds.ts';
import type { PinnedProcess } from './pinned-process.ts';
import { type Usage, usageOfTree } from './process-tree.ts';
import type { ConnectOrder, GeneratorOrder, GeneratorReply, Latency } from './rig-messages.ts';

/** One peer under load for one round. */
export interface Sample {
  readonly requests: number;
  /** Requests that were answered by the status that is only tolerated. */
  readonly failures: number;
  readonly elapsedMs: number;
  /** CPU time of the proxy. NaN where there is none; so are the next two. */
  readonly cpuUsPerRequest: number;
  /** Share of the round that the proxy was on its core. */
  readonly busyRatio: number;
  readonly residentBytes: number;
  /** null: the load was not paced. */
  readonly latency: Latency | null;
}

/** How much longer than it should take: a proxy that falls behind at a fixed rate is waited for. */
const PATIENCE_MS = 90_000;

/** What is asked instead of one and the same request. */
export type Mix = Pick<ConnectOrder, 'requests' | 'tolerated'>;

/** Puts one peer under load. The readings are taken while nothing is under way, when the kernel's figures are exact. */
export async function measure(
  generator: PinnedProcess,
  peer: RunningPeer,
  workload: BenchCase,
  durationMs: number,
  mix: Mix = { requests: [requestOf(workload)], tolerated: null },
): Promise<Sample> {
  const { connections, status, bodyBytes, isKept, perSecond } = workload;
  const order = async (message: GeneratorOrder): Promise<GeneratorReply> => {
    const reply = await generator.ask<GeneratorReply>(message, durationMs + PATIENCE_MS);
    if (reply.kind !== 'failed') return reply;
    throw new Error(`${peer.name}: ${reply.why}\n${peer.process?.lastWords ?? ''}`);
  };
  const { port } = peer;
  await order({ kind: 'connect', port, connections, status, bodyBytes, isKept, perSecond, ...mix });
  const before = usageOf(peer);
  const ran = await order({ kind: 'run', durationMs });
  const after = usageOf(peer);
  await order({ kind: 'close' });
  if (ran.kind !== 'ran') throw new Error(`the generator answered out of turn: ${ran.kind}`);
  const cpuNs = after.cpuNs - before.cpuNs;
  return {
    requests: ran.requests,
    failures: ran.failures,
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

/** What a peer has used so far; NaN where there is no process. */
export function usageOf(peer: RunningPeer): Usage {
  if (peer.process === null) return { cpuNs: Number.NaN, residentBytes: Number.NaN };
  return usageOfTree(peer.process.pid);
}

/** Open the connections and send one request over each, so that nothing is new when counting begins. */
export interface ConnectOrder {
  readonly kind: 'connect';
  readonly port: number;
  readonly connections: number;
  /** Each request as it goes over the wire. */
  readonly request: string;
  /** Of every answer; while connecting, others may come before the first of these. */
  readonly status: number;
  /** -1: the answer's head says it. */
  readonly bodyBytes: number;
  /** False: each request goes on a connection of its own. */
  readonly isKept: boolean;
  /** Requests a second, whatever becomes of them; null: the next one leaves when the answer is there. */
  readonly perSecond: number | null;
}

/** How long answers took, in ms from when their requests were due. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** What the bench tells the generator. Each is answered once, by {@link GeneratorReply}. */
export type GeneratorOrder =
  | ConnectOrder
  /** Load for this long, then wait for the answers that are still due. */
  | { readonly kind: 'run'; readonly durationMs: number }
  | { readonly kind: 'close' };

export type GeneratorReply =
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'ran';
      readonly requests: number;
      readonly elapsedMs: number;
      /** null: it was not paced, and answers took as long as there was a queue. */
      readonly latency: Latency | null;
    }
  | { readonly kind: 'closed' }
  /** Something other than the expected answer came: the figures would mean nothing. */
  | { readonly kind: 'failed'; readonly why: string };

/** What the upstream tells the bench once it listens. */
export interface UpstreamReady {
  readonly port: number;
}

/** Open the connections and send one request over each, so that nothing is new when counting begins. */
export interface ConnectOrder {
  readonly kind: 'connect';
  readonly port: number;
  readonly connections: number;
  /** Requests as they go over the wire: one after the other, and then from the first again. */
  readonly requests: readonly string[];
  /** Of every answer; while connecting, others may come before the first of these. */
  readonly status: number;
  /** Another status that may come; how long such an answer took is not counted. null: there is none. */
  readonly tolerated: number | null;
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
      /** Those of them that were answered with the status that is only tolerated. */
      readonly failures: number;
      readonly elapsedMs: number;
      /** null: it was not paced, and answers took as long as there was a queue; or no answer counts. */
      readonly latency: Latency | null;
    }
  | { readonly kind: 'closed' }
  /** Something other than the expected answer came: the figures would mean nothing. */
  | { readonly kind: 'failed'; readonly why: string };

/** What the upstream tells the bench once it listens. */
export interface UpstreamReady {
  readonly port: number;
}

/** Content of the answer that slow clients read. */
export const LARGE_BYTES = 4 * 1024 * 1024;

/** So many slow clients come a second: what is of interest is that they are there, and not a burst of connections. */
export const CROWD_PER_SECOND = 200;

/** What the bench tells the crowd of slow clients. `end` is answered by {@link CrowdTally}, `begin` by nothing. */
export type CrowdOrder =
  | {
      readonly kind: 'begin';
      readonly port: number;
      /** Clients that send the head of their request a byte at a time. */
      readonly slowHeads: number;
      /** Clients that ask for much, and read a piece of it at a time. */
      readonly slowReaders: number;
      /** Between two bytes, and between two pieces. */
      readonly everyMs: number;
    }
  | { readonly kind: 'end' };

/** How often a client found its connection closed; it then came again. */
export interface CrowdTally {
  readonly slowHeadsClosed: number;
  readonly slowReadersClosed: number;
  /** Large answers that were read to their end. */
  readonly largeAnswers: number;
}

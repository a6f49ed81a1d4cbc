import type { BodySource } from '../http1/body.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ClientSide, ExchangeObserver } from '../http1/server-exchange.ts';

/** How the client asked: a request, a tunnel (CONNECT), or by connecting to the port of a TCP upstream. */
export type ExchangeProtocol = 'http' | 'connect' | 'tcp';

/**
 * What somebody wants of an upstream, and the place for the answer: the client's side of the pipeline. For HTTP it is
 * the `ServerExchange` of `http1/`, whose comments say what each part means; a plain TCP connection is taken as one that
 * asks for a tunnel, and can only be given it or be reset.
 */
export interface Exchange extends BodySource {
  readonly protocol: ExchangeProtocol;
  /** Of a TCP connection: what CONNECT to its upstream would have looked like. */
  readonly head: RequestHead;
  observer: ExchangeObserver | null;
  readonly hasBody: boolean;
  readonly isRequestDone: boolean;
  readonly receivedAt: number;
  readonly isAnswered: boolean;
  readonly canPersist: boolean;
  readonly isOut: boolean;
  readonly requestBytes: number;
  readonly responseBytes: number;
  inform(text: string): void;
  goOn(text: string): void;
  respond(text: string, isChunked: boolean, willClose: boolean): void;
  write(chunk: Buffer): boolean;
  flush(): boolean;
  whenOut(done: () => void): void;
  broken(violation: Parameters<ExchangeObserver['requestBroken']>[0]): void;
  finish(trailers?: string): void;
  cut(): void;
  switchOver(text: string): ClientSide;
}

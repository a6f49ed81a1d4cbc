import type { ResponseHead } from '../http1/response-head.ts';
import type { Failure } from '../policy/outcome.ts';
import type { UndiciFields } from './undici-head.ts';

/** Hears the answer to one request. After `exchangeEnded` or `exchangeFailed` nothing more is called. */
export interface ExchangeObserver {
  exchangeInformational(head: ResponseHead): void;
  /** The final head; valid until the call returns. */
  exchangeHead(head: ResponseHead): void;
  exchangeData(chunk: Buffer): void;
  /** Everything that has arrived was told. */
  exchangeFlush(): void;
  /** `trailers`: checked field lines, each with its line end. */
  exchangeEnded(trailers: string): void;
  exchangeFailed(failure: Failure): void;
}

/** What undici hands to a handler to steer an exchange by. */
export interface Controller {
  readonly rawHeaders?: UndiciFields;
  readonly rawTrailers?: UndiciFields;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

let callsFromUndici = 0;

/** undici begins to tell something of an answer. */
export const enter = (): void => {
  callsFromUndici += 1;
};

/** It has told it. */
export const leave = (): void => {
  callsFromUndici -= 1;
};

/** True while undici tells something of any answer. Its parser is one for all, and must not be entered meanwhile. */
export const isUndiciTelling = (): boolean => callsFromUndici > 0;

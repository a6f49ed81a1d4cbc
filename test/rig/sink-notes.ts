import type { ResponseHead } from '../../src/http1/response-head.ts';
import type { Outcome } from '../../src/policy/outcome.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from '../../src/upstream/transport.ts';
import { Signal } from './eventually.ts';
import { plainRequest } from './plain-request.ts';

/** Writes down what an attempt tells. */
export class SinkNotes implements ResponseSink {
  readonly told: string[] = [];
  readonly changed = new Signal();
  /** How it ended; null: it has not. */
  outcome: Outcome | null = null;
  trailers = '';
  /** All content so far. */
  content = '';
  /** The final head's fields, as they came. */
  headText = '';
  /** True when something was told since the last flush. */
  isHeldBack = false;
  /** What is done in the middle of a call of this name. */
  readonly during: { head?: (attempt: Attempt) => void; data?: (attempt: Attempt) => void } = {};
  attempt: Attempt | null = null;

  connected(): void {
    this.#note('connected');
  }
  informational(head: ResponseHead): void {
    this.#note(`informational ${head.status}`);
  }
  head(head: ResponseHead): void {
    this.headText = head.text;
    this.isHeldBack = true;
    this.#note(`head ${head.status}`);
    if (this.attempt !== null) this.during.head?.(this.attempt);
  }
  switched(): void {
    this.#note('switched');
  }
  data(chunk: Buffer): boolean {
    this.content += chunk.toString('latin1');
    this.isHeldBack = true;
    this.#note(`data ${chunk}`);
    if (this.attempt !== null) this.during.data?.(this.attempt);
    return true;
  }
  flush(): void {
    this.isHeldBack = false;
    this.changed.raise();
  }
  end(outcome: Outcome, trailers: string): void {
    const word = outcome.kind === 'success' ? outcome.status : outcome.reason;
    this.outcome = outcome;
    this.trailers = trailers;
    this.#note(`end ${outcome.kind} ${word}`);
  }

  /** Waits until so many things were told. */
  async count(count: number): Promise<void> {
    await this.changed.until(() => (this.told.length >= count ? true : null));
  }

  /** Waits for content that begins so, or for an end without it. */
  async hasContent(text: string): Promise<void> {
    await this.changed.until(() => (this.content.startsWith(text) || this.outcome !== null ? true : null));
  }

  /** Waits for the end, and says how it was told. */
  async over(): Promise<string> {
    await this.changed.until(() => this.outcome);
    return this.told.at(-1)!;
  }

  /** True when it ended without a byte of the request having been sent. */
  get isUnsent(): boolean {
    return this.outcome?.kind === 'failure' && this.outcome.isUnsent;
  }

  #note(text: string): void {
    this.told.push(text);
    this.changed.raise();
  }
}

/** Begins an attempt, and writes down what it tells. */
export const begin = (transport: Transport, endpoint: Endpoint, request: OutgoingRequest = plainRequest) => {
  const notes = new SinkNotes();
  const attempt = transport.prepare(endpoint, request, notes);
  notes.attempt = attempt;
  attempt.start();
  return { notes, attempt };
};

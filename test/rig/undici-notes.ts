import { connect } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

/** Writes down what undici tells a handler, one word or two for each call. */
export class UndiciNotes implements Dispatcher.DispatchHandler {
  readonly told: string[] = [];
  readonly changed = new Signal();
  controller: Dispatcher.DispatchController | null = null;
  rawHeaders: string[] = [];
  rawTrailers: string[] = [];
  reasonPhrase = '';
  /** The error that ended it; null: none did. */
  error: (Error & { readonly code?: string }) | null = null;
  /** Called at each head. */
  onHead: (controller: Dispatcher.DispatchController) => void = () => {};

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.#note('start');
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason?: string,
  ): void {
    this.rawHeaders = textsOf(controller.rawHeaders);
    this.reasonPhrase = reason ?? '';
    this.#note(`head ${status}`);
    this.onHead(controller);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#note(`data ${chunk.toString('latin1')}`);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.rawTrailers = textsOf(controller.rawTrailers);
    this.#note('end');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.error = error;
    this.#note(`error ${this.error.code ?? error.name}`);
  }

  /** Waits for the end, whichever it is. */
  async over(): Promise<readonly string[]> {
    await this.changed.until(() => (this.isOver ? true : null));
    return this.told;
  }

  get isOver(): boolean {
    return this.told.some((text) => text === 'end' || text.startsWith('error'));
  }

  /** Waits until so many things were told. */
  async count(count: number): Promise<void> {
    await this.changed.until(() => (this.told.length >= count ? true : null));
  }

  #note(text: string): void {
    this.told.push(text);
    this.changed.raise();
  }
}

const textsOf = (raw: unknown): string[] =>
  Array.isArray(raw) ? raw.map((each: Buffer | string) => each.toString('latin1' as BufferEncoding)) : [];

/** One undici client whose timers are off. `connections` counts how often it wanted one. */
export const openClient = (
  owner: Owner,
  port: number,
  options: Client.Options = {},
): Client & { connections: number } => {
  const client: Client & { connections?: number } = new Client(`http://127.0.0.1:${port}`, {
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 2 ** 31 - 1,
    connect: (_options, callback) => {
      client.connections = (client.connections ?? 0) + 1;
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      socket.once('connect', () => callback(null, socket));
    },
    ...options,
  });
  owner.after(() => client.destroy());
  return client as Client & { connections: number };
};

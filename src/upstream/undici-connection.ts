import type { Socket } from 'node:net';
import type { Client, Dispatcher } from 'undici';
import type { ClientBounds } from '../http1/limits.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import type { OutgoingRequest } from './transport.ts';
import { type ExchangeOwner, UndiciExchange } from './undici-exchange.ts';
import type { ExchangeObserver } from './undici-handler.ts';
import { HeadReader, readRequestText } from './undici-head.ts';

let undici: typeof import('undici') | null = null;
let loading: Promise<void> | null = null;

/** Brings undici in, once: only who asks pays for it (50 ms and 7 MB). */
export const loadUndici = (): Promise<void> => {
  loading ??= import('undici').then((module) => {
    undici = module;
  });
  return loading;
};

/** True once connections can be made. */
export const isUndiciLoaded = (): boolean => undici !== null;

/** Where a connection goes when it has room again, or is gone. */
export interface UndiciKeeper {
  /** `keepAliveMs`: how long the server said it keeps it; -1 where it did not. */
  released(connection: UndiciConnection, keepAliveMs: number): void;
  discarding(connection: UndiciConnection): void;
  /** Closed, or closed for new exchanges. */
  gone(connection: UndiciConnection): void;
}

/** Streams of one HTTP/2 connection at the same time; the server may want less. */
const MAX_STREAMS = 100;
/** undici's own timers are off: time is ours. The most that a timer of Node can wait. */
const NEVER_MS = 2 ** 31 - 1;

/** undici asks for no connection but the one that it has been given. */
type Connector = Extract<Client.Options['connect'], (...args: never) => unknown>;

/** One connection in undici's hands: a `Client` of its own, which never gets a second socket. */
export class UndiciConnection implements ExchangeOwner, Expirable {
  readonly socket: Socket;
  readonly isShared: boolean;
  readonly bounds: ClientBounds;
  readonly reader: HeadReader;
  /** For the pool: runs while the connection is idle, or reads away what nobody wants. */
  readonly idleTimeout = new Timeout(this);
  readonly #keeper: UndiciKeeper;
  readonly #client: Client;
  /** In the order in which they were begun, a hundred at most. Not a set, for the reason that {@link Roster} gives. */
  readonly #exchanges: UndiciExchange[] = [];
  #maxStreams = MAX_STREAMS;
  #hasSocket = false;
  #isRetired = false;
  #isGone = false;

  /** `socket` is connected, and can be read as a stream. `loadUndici` has been waited for. */
  constructor(socket: Socket, keeper: UndiciKeeper, bounds: ClientBounds) {
    if (undici === null) throw new Error('undici has not been loaded');
    this.socket = socket;
    this.bounds = bounds;
    this.reader = new HeadReader(bounds);
    this.#keeper = keeper;
    this.isShared = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
    socket.on('error', ignore);
    // undici's own listener first: it knows what to tell the exchanges.
    socket.on('close', () => queueMicrotask(() => this.destroy()));
    this.#client = new undici.Client('encrypted' in socket ? 'https://upstream' : 'http://upstream', {
      connect: this.#handOver,
      pipelining: 1,
      allowH2: this.isShared,
      h2Options: { maxConcurrentStreams: MAX_STREAMS, pingInterval: 0 },
      maxHeaderSize: bounds.head.headBytes,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: NEVER_MS,
      keepAliveMaxTimeout: NEVER_MS,
      // A server's own word about it is added to this.
      keepAliveTimeoutThreshold: -NEVER_MS,
    });
    this.#client.on('disconnect', () => this.#disconnected());
  }

  /** Exchanges under way. */
  get inUse(): number {
    return this.#exchanges.length;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** True when another exchange can begin now. */
  get hasRoom(): boolean {
    if (this.#isRetired || this.#isGone || this.socket.destroyed) return false;
    return this.#exchanges.length < (this.isShared ? this.#maxStreams : 1);
  }

  /** Sends a request. */
  begin(request: OutgoingRequest, observer: ExchangeObserver): UndiciExchange {
    const exchange = new UndiciExchange(this, request.method, request.body, observer);
    this.#exchanges.push(exchange);
    const { path, headers } = readRequestText(request.headText, this.isShared);
    const options: Dispatcher.DispatchOptions & { readonly servername: string } = {
      method: request.method,
      path,
      headers,
      body: exchange.content,
      // HEAD, and content in methods that mostly have none, are no reason to close the connection.
      reset: false,
      // The connection is what it is: another name would make undici close it.
      servername: 'upstream',
    };
    this.#client.dispatch(options, exchange as Dispatcher.DispatchHandler);
    this.#learnLimit();
    return exchange;
  }

  /** Takes no new exchange; it is closed when those that are under way have ended. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    if (this.#exchanges.length === 0) this.destroy();
  }

  destroy(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#client.destroy(null, ignore);
    this.socket.destroy();
    this.#keeper.gone(this);
  }

  /** For the idle timeout. */
  expired(): void {
    this.destroy();
  }

  discarding(): void {
    this.#keeper.discarding(this);
  }

  exchangeOver(exchange: UndiciExchange): void {
    // Only when undici has dealt with the end is it known whether the connection stays.
    queueMicrotask(() => {
      this.#forget(exchange);
      this.#learnLimit();
      if (this.#isGone || this.socket.destroyed) return;
      if (!this.#isRetired) this.#keeper.released(this, exchange.keepAliveMs);
      else if (this.#exchanges.length === 0) this.destroy();
    });
  }

  #forget(exchange: UndiciExchange): void {
    const at = this.#exchanges.indexOf(exchange);
    if (at >= 0) this.#exchanges.splice(at, 1);
  }

  /**
   * undici does not tell how many streams the server allows, but makes those beyond wait. (Before it has heard of the
   * server's settings, all but one wait.)
   */
  #learnLimit(): void {
    if (!this.isShared) return;
    const { pending, running } = this.#client.stats;
    if (pending > 0 && running > 1) this.#maxStreams = running;
  }

  readonly #handOver: Connector = (_options, callback) => {
    // A second time: never answered, so that nothing is ever sent twice. What waits for it hears in `#disconnected`.
    if (this.#hasSocket) this.#disconnected();
    // Not before undici has put its own things in order.
    else queueMicrotask(() => callback(null, this.socket));
    this.#hasSocket = true;
  };

  /** undici has let go of the socket, or has been told to begin no more streams: what it holds back goes elsewhere. */
  #disconnected(): void {
    const { pending } = this.#client.stats;
    const left = pending === 0 ? [] : this.#exchanges.splice(-pending);
    this.retire();
    for (const exchange of left) exchange.refused();
  }
}

const ignore = (): void => {};

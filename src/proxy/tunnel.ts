import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenConnection } from '../http1/response-observer.ts';
import {
  clientGone,
  type Failure,
  type Outcome,
  type Rejected,
  rejected,
  success,
} from '../policy/outcome.ts';
import type { CloseReason } from '../telemetry/events.ts';
import { resetFault, wireFault } from '../upstream/faults.ts';
import type { AttemptRun } from './attempt-run.ts';
import type { Exchange } from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import type { ExchangeTimers } from './exchange-timers.ts';
import { switchingText } from './headers.ts';
import type { ForwardContext, TunnelPlaces } from './plan.ts';
import { Splice, type SpliceEnd, type SpliceObserver } from './splice.ts';
import { connectedText } from './upgrade.ts';

/** Whose tunnel it is: it hears of its end. */
export interface TunnelObserver {
  readonly context: ForwardContext;
  readonly record: ExchangeRecord;
  readonly timers: ExchangeTimers;
  /** Once. Nothing goes through any more; both sockets are closed, or the one that is left will be. */
  endConnection(outcome: Outcome): void;
}

/** What an attempt has brought. */
export interface TunnelParts {
  /** The 101 that the upstream switched by; null: a connection was asked for. */
  readonly head: ResponseHead | null;
  readonly connection: OpenConnection;
  readonly run: AttemptRun;
}

/** A connection of a TCP upstream's own port counts in that upstream's bulkhead, and nowhere else. */
const noPlaces: TunnelPlaces = { isFull: false, enter: () => true, leave() {} };

const placesFor = (exchange: Exchange, { tunnels }: ForwardContext): TunnelPlaces =>
  exchange.protocol === 'tcp' ? noPlaces : tunnels;

export const tooManyTunnels: Rejected = Object.freeze(rejected('too_many_tunnels'));

/** What an exchange that asks for a tunnel is refused with while there is no place for one; null: there is. */
export const noPlaceFor = (exchange: Exchange, context: ForwardContext): Rejected | null => {
  if (exchange.protocol === 'http' && exchange.head.upgrade === '') return null;
  return placesFor(exchange, context).isFull ? tooManyTunnels : null;
};

/** Joins the client of `exchange` with the upstream's connection. Null: there is no place, and the connection is closed. */
export const openTunnel = (
  exchange: Exchange,
  parts: TunnelParts,
  observer: TunnelObserver,
): Tunnel | null => {
  const { run, connection } = parts;
  const places = placesFor(exchange, observer.context);
  if (places.enter()) return new Tunnel(exchange, parts, places, observer);
  connection.socket.destroy();
  run.tunnelEnded(clientGone);
  return null;
};

/**
 * What an exchange becomes once client and upstream are joined: bytes in both directions until one of them has enough,
 * breaks off, or nothing moves for too long. Nothing is tried again any more, and no answer of ours can come.
 */
export class Tunnel implements SpliceObserver {
  readonly #run: AttemptRun;
  readonly #places: TunnelPlaces;
  readonly #observer: TunnelObserver;
  readonly #splice: Splice;

  /** For {@link openTunnel}. */
  constructor(exchange: Exchange, parts: TunnelParts, places: TunnelPlaces, observer: TunnelObserver) {
    const { head, connection, run } = parts;
    const { record, context } = observer;
    this.#run = run;
    this.#places = places;
    this.#observer = observer;
    record.switched(exchange.protocol, head, context.clock.now());
    const via = context.via[1];
    const client = exchange.switchOver(head === null ? connectedText(via) : switchingText(head, via));
    this.#splice = new Splice(client.socket, connection.socket, this);
    this.#splice.join(client, connection);
  }

  moved(): void {
    this.#observer.timers.moved();
  }

  upstreamSpoke(): void {
    this.#run.proved();
  }

  ended(end: SpliceEnd): void {
    this.#over(this.#outcomeOf(end), `${end.by}_${end.isOrderly ? 'closed' : 'reset'}`);
  }

  /** Time is up. */
  abort(limit: Failure): void {
    this.#splice.abort();
    this.#over(limit, 'timeout');
  }

  /** The client's connection is broken off on our side: the process ends. */
  abandon(): void {
    this.#splice.abort();
    this.#over(clientGone, 'shutdown');
  }

  #over(outcome: Outcome, why: CloseReason): void {
    this.#places.leave();
    this.#run.tunnelEnded(outcome);
    this.#observer.record.passed(this.#splice.sentBytes, this.#splice.receivedBytes, why);
    this.#observer.endConnection(outcome);
  }

  #outcomeOf({ by, isOrderly, error }: SpliceEnd): Outcome {
    const { sentBytes, receivedBytes } = this.#splice;
    if (!isOrderly && by === 'client') return clientGone;
    if (!isOrderly) return wireFault({ kind: 'closed', error }, receivedBytes > 0, sentBytes === 0);
    // Accepted, and closed before either side had said a word: something in between that found nobody behind it.
    const isTurnedAway = by === 'upstream' && sentBytes + receivedBytes === 0 && !this.#run.isProved;
    return isTurnedAway ? resetFault(null, true) : success(this.#observer.record.status);
  }
}

import type { Agent } from 'node:http';
import type { Clock, Timer } from '../lib/clock.ts';
import { http } from '../lib/node-http.ts';

/** A call that the shop's app makes again and again. */
export interface Call {
  /** The command that it belongs to, as the breakers are named. */
  readonly command: string;
  readonly host: string;
  readonly method: 'GET' | 'POST';
  /** Its path, given a number at random. */
  readonly path: (id: number) => string;
  readonly headers?: (id: number) => Readonly<Record<string, string>>;
  /** How often on average while nothing is wrong. */
  readonly perSecond: number;
}

/** How calls went for the app. */
export interface Tally {
  readonly made: number;
  /** Answered with a 2xx, by the service or by a fallback. */
  readonly good: number;
}

/** Where the proxy listens. */
export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

export interface TrafficOptions {
  readonly calls: readonly Call[];
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** One kind of call: when the next is due, and how they went. */
class Stream {
  readonly call: Call;
  perSecond: number;
  dueAt = 0;
  timer: Timer | null = null;
  made = 0;
  good = 0;

  constructor(call: Call) {
    this.call = call;
    this.perSecond = call.perSecond;
  }
}

/** The shop's app, as its sidecar sees it: calls at random moments, whether or not those before have been answered. */
export class Traffic {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #streams: ReadonlyMap<string, Stream>;
  readonly #agent: Agent = new http.Agent({ keepAlive: true });
  #proxy: ProxyAddress | null = null;

  constructor({ calls, clock, random }: TrafficOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#streams = new Map(calls.map((call) => [call.command, new Stream(call)]));
  }

  start(proxy: ProxyAddress): void {
    this.#proxy = proxy;
    for (const stream of this.#streams.values()) {
      stream.dueAt = this.#clock.now();
      this.#scheduleNext(stream);
    }
  }

  /** How often a command is called from now on; null: as usual. */
  setRate(command: string, perSecond: number | null): void {
    const stream = this.#streams.get(command);
    if (stream === undefined) throw new Error(`There are no calls to ${command}`);
    stream.perSecond = perSecond ?? stream.call.perSecond;
  }

  /** How the calls to a command went since this was asked last. Those on their way count when they end. */
  takeTally(command: string): Tally {
    const stream = this.#streams.get(command);
    if (stream === undefined) throw new Error(`There are no calls to ${command}`);
    const { made, good } = stream;
    stream.made = 0;
    stream.good = 0;
    return { made, good };
  }

  stop(): void {
    this.#proxy = null;
    for (const stream of this.#streams.values()) stream.timer?.cancel();
    this.#agent.destroy();
  }

  /** From one due time to the next, not from one call to the next: a loop that is late does not thin the traffic out. */
  #scheduleNext(stream: Stream): void {
    stream.dueAt += (-Math.log(1 - this.#random()) * 1000) / stream.perSecond;
    stream.timer = this.#clock.after(Math.max(0, stream.dueAt - this.#clock.now()), () => {
      this.#make(stream);
      this.#scheduleNext(stream);
    });
  }

  #make(stream: Stream): void {
    const { call } = stream;
    const id = Math.floor(this.#random() * 1000);
    const outgoing = http.request({
      ...this.#proxy!,
      agent: this.#agent,
      method: call.method,
      path: call.path(id),
      headers: { host: call.host, ...call.headers?.(id) },
    });
    outgoing.on('response', (incoming) => {
      incoming.resume();
      incoming.on('error', () => {
        stream.made += 1;
      });
      incoming.on('end', () => {
        stream.made += 1;
        if (incoming.statusCode! < 300) stream.good += 1;
      });
    });
    outgoing.on('error', () => {
      stream.made += 1;
    });
    outgoing.end();
  }
}

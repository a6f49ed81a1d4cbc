import type { Socket } from 'node:net';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { BodyReader } from '../../src/http1/body.ts';
import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { RequestHead } from '../../src/http1/request-head.ts';
import { type ExchangeConnection, ServerExchange } from '../../src/http1/server-exchange.ts';
import { type Violation, violations } from '../../src/http1/violation.ts';
import { WireWriter } from '../../src/http1/wire-writer.ts';
import { Cap } from '../../src/lib/cap.ts';
import type { Bulkhead } from '../../src/policy/bulkhead.ts';
import { ReplayPool } from '../../src/proxy/body-record.ts';
import { forward } from '../../src/proxy/forward.ts';
import type { ForwardContext, Plan } from '../../src/proxy/plan.ts';
import { planFor, type UpstreamRoutes } from '../../src/proxy/route.ts';
import { PlanBuilder } from '../../src/runtime/plan-builder.ts';
import { Registry } from '../../src/runtime/registry.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import type { CommandBook } from '../../src/telemetry/command-book.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import type { BreakerOverride, ExchangeEnded } from '../../src/telemetry/events.ts';
import { UnlistedRules } from '../../src/upstream/address-rules.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import { FakeTransport } from './fake-transport.ts';
import type { ConfigText } from './sidecar.ts';
import { VirtualClock } from './virtual-clock.ts';

const headBounds = { lineBytes: 8192, headBytes: 32_768, fields: 200 };
const chunkedBounds = { extensionBytes: 1024, trailerBytes: 8192, fields: 200 };

/** What a client without a socket sees of its exchange, and what it can do. */
export class FakeClient implements ExchangeConnection {
  readonly exchange: ServerExchange;
  readonly writer: WireWriter;
  isDraining = false;
  /** Whether the client takes what it is sent. */
  isReading = true;
  state: 'open' | 'over' | 'destroyed' = 'open';
  sent = '';
  readonly #reader: BodyReader | null;
  /** To be told when what was written before is taken. */
  #taken: (() => void)[] = [];
  #unread: Buffer = Buffer.alloc(0);

  constructor(headText: string, now: number) {
    const client = this;
    const socket = {
      write(part: string | Buffer, second?: unknown) {
        client.sent += part.toString('latin1');
        if (typeof second === 'function') client.#taken.push(second as () => void);
        return client.isReading;
      },
      cork() {},
      uncork() {},
      writableHighWaterMark: 1,
      get writableLength() {
        return client.isReading ? 0 : 1;
      },
    };
    this.writer = new WireWriter(socket as unknown as Socket);
    const scanner = new HeadScanner('request', headBounds);
    const bytes = Buffer.from(headText, 'latin1');
    if (scanner.scan(bytes, 0, bytes.length) !== 'complete') throw new Error(`no request: ${headText}`);
    const head = new RequestHead(scanner, headText);
    if (head.interpret(scanner) !== null) throw new Error(`a bad request: ${headText}`);
    const length = head.framing === 'chunked' ? -1 : head.contentLength;
    this.#reader =
      head.framing === 'none' ? null : new BodyReader(length, chunkedBounds, Number.POSITIVE_INFINITY);
    this.exchange = new ServerExchange(this, head, this.#reader, now);
  }

  /** Status of the final answer; 0: there is none yet. */
  get status(): number {
    const finals = this.sent.matchAll(/HTTP\/1\.1 ([2-9]\d\d) /g);
    return Number(finals.next().value?.[1] ?? 0);
  }

  get reason(): string {
    return /reason=(\w+)/.exec(this.sent)?.[1] ?? '';
  }

  /** Sends a part of the request's content, as it stands on the wire. */
  send(text: string): void {
    this.#unread = Buffer.concat([this.#unread, Buffer.from(text, 'latin1')]);
    this.readOn();
  }

  switchOver(): never {
    throw new Error('there is no socket to hand over');
  }

  readOn(): void {
    const { exchange } = this;
    if (this.#reader === null || !exchange.wantsBody || this.#unread.length === 0) return;
    const bytes = this.#unread;
    const end = this.#reader.read(bytes, 0, bytes.length);
    if (end < 0) throw new Error('the test sent a malformed body');
    this.#unread = bytes.subarray(this.#reader.consumed);
    if (end > 0) exchange.deliver(bytes.subarray(0, end));
    if (this.#reader.isDone) exchange.deliverEnd('');
  }

  /** Reads what it did not read so far. */
  read(): void {
    this.isReading = true;
    this.#tellTaken();
    this.exchange.observer?.drained();
  }

  leave(): void {
    this.exchange.observer?.clientGone();
    this.#tellTaken();
  }

  break(violation: Violation = violations.body_time): void {
    this.exchange.broken(violation);
  }

  written(goOn: boolean): boolean {
    return goOn;
  }

  exchangeOver(): void {
    this.state = 'over';
  }

  destroy(): void {
    this.state = 'destroyed';
  }

  #tellTaken(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }
}

/** The pipeline of one upstream called `u` as the product builds it, on a virtual clock and over a fake transport. */
export class Pipeline {
  readonly clock = new VirtualClock();
  readonly transport = new FakeTransport();
  readonly commands = new Commands();
  readonly log: ExchangeEnded[] = [];
  readonly overrides: BreakerOverride[] = [];
  readonly context: ForwardContext;
  readonly registry: Registry;
  /** For requests that no route matches. */
  readonly plan: Plan;
  /** How its requests find their plans. */
  readonly routes: UpstreamRoutes;
  /** 0 ≤ x < 1: what the next random numbers are. */
  random = 0.5;
  /** Requests that were sent on their way. */
  requests = 0;

  /** `upstream`: the keys of the configuration below `upstreams.u`. */
  constructor(upstream: ConfigText = {}) {
    const config = { upstreams: { u: { endpoints: ['127.0.0.1:1'], ...upstream } } };
    const parsed = parseSettings(JSON.stringify(config), 'test.json', {});
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const bus = new EventBus([
      this.commands,
      { breakerOverridden: (override) => this.overrides.push(override) },
      { exchangeEnded: (ended) => this.log.push(Object.assign(Object.create(ended), { ...ended })) },
    ]);
    this.context = {
      clock: this.clock,
      random: () => this.random,
      bus,
      replayPool: new ReplayPool(1024),
      tunnels: new Cap(1000),
      pseudonym: 'outrigger-test',
      via: ['Via: 1.0 outrigger-test\r\n', 'Via: 1.1 outrigger-test\r\n'],
      nextRequestId: () => 'id',
    };
    this.registry = new Registry(this.clock, bus);
    const builder = new PlanBuilder({
      context: this.context,
      registry: this.registry,
      commands: this.commands,
      resolver: new Resolver({ clock: this.clock }),
      unlistedRules: new UnlistedRules(() => []),
    });
    const built = builder.upstream(parsed.settings.upstreams[0]!, parsed.settings.limits, null);
    this.routes = built.routes;
    this.plan = this.#onFakeWire(built.routes.plan);
  }

  get book(): CommandBook {
    return this.commands.find('u')!;
  }

  get bulkhead(): Bulkhead {
    return this.plan.bulkhead;
  }

  get endpointsInFlight(): number {
    return this.plan.upstream.endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
  }

  /** Sends a request on its way. `fields`: lines without their ends. */
  request(method = 'GET', fields: readonly string[] = [], path = '/x'): FakeClient {
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: u', ...fields].map((line) => `${line}\r\n`);
    const client = new FakeClient(`${lines.join('')}\r\n`, this.clock.now());
    const authority = { host: 'u', port: 80 };
    this.requests += 1;
    const plan = this.#onFakeWire(planFor(this.routes, method, path));
    forward(client.exchange, plan, { authority, host: null }, this.context);
    return client;
  }

  #onFakeWire(plan: Plan): Plan {
    return { ...plan, transport: this.transport };
  }

  /** Moves time on, and lets what a retry has begun come to its next wait. */
  async advance(ms: number): Promise<void> {
    await new Promise(setImmediate);
    this.clock.advance(ms);
    await new Promise(setImmediate);
  }

  /** Everything that a request can hold; all zero when nothing is under way. */
  get held() {
    const { bulkhead, clock, context, book } = this;
    return {
      slots: bulkhead.inFlight,
      queued: bulkhead.queued,
      endpoints: this.endpointsInFlight,
      attempts: book.figures(clock.now()).inFlight,
      replayBytes: context.replayPool.usedBytes,
    };
  }
}

/** What {@link Pipeline.held} says when nothing is under way. */
export const nothing = { slots: 0, queued: 0, endpoints: 0, attempts: 0, replayBytes: 0 };

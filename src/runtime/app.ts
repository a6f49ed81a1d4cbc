import { randomBytes } from 'node:crypto';
import { AdminStartError } from '../admin/admin-listener.ts';
import { IncidentRing } from '../admin/incident-ring.ts';
import { type AdminServer, startAdminServer } from '../admin/server.ts';
import { formatListenAddress, isLoopback } from '../config/addresses.ts';
import type { ListenAddress, Settings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { Cap } from '../lib/cap.ts';
import { systemClock } from '../lib/clock.ts';
import type { DataListener } from '../listener/listening.ts';
import { ReplayPool } from '../proxy/body-record.ts';
import type { ForwardContext } from '../proxy/plan.ts';
import { UnlistedDestinations } from '../proxy/unlisted.ts';
import { EventBus } from '../telemetry/bus.ts';
import { Commands } from '../telemetry/commands.ts';
import { LineSink, openStandardOutput } from '../telemetry/line-sink.ts';
import { createLog, type LogSink } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { isOwnListener, type ListenerAddress, UnlistedRules } from '../upstream/address-rules.ts';
import { isLocalhost, Resolver } from '../upstream/resolver.ts';
import { AdminView, type Lifecycle, upstreamMetrics } from './admin-view.ts';
import { untilQuiet } from './drain.ts';
import { type Listeners, openListeners } from './listeners.ts';
import { type BuiltUpstream, PlanBuilder } from './plan-builder.ts';
import { Registry } from './registry.ts';
import { StartError } from './start-error.ts';
import { version } from './version.ts';

/** A sidecar that runs. */
export interface RunningApp {
  readonly egress: ListenAddress;
  readonly admin: ListenAddress;
  /** null: there is no listener for probes. */
  readonly probes: ListenAddress | null;
  /** Ports of upstreams that have one, by name. */
  readonly listeners: ReadonlyMap<string, ListenAddress>;
  /** Goes on serving until it is quiet or the deadline has passed, and then closes. */
  drain(): Promise<void>;
  /** Resolves when the admin interface is asked to drain. Whoever started the sidecar does it, and ends the process. */
  readonly drainRequested: Promise<void>;
  /** Puts an exception that nobody caught into the log, before it returns. */
  noteDefect(error: unknown): void;
  /** Breaks off what is under way and gives everything back. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** Where the settings came from, for the log. */
  readonly source?: string;
  /** Takes the log's lines instead of standard output. */
  readonly logLine?: (line: string) => void;
}

/** Starts the sidecar; rejects with a `StartError` and leaves nothing open when it cannot. */
export const startApp = async (settings: Settings, options: StartOptions = {}): Promise<RunningApp> => {
  const app = new App(settings, options);
  await app.start(options.source ?? '');
  return app;
};

/** The composition root: builds everything and takes it down again. */
class App implements RunningApp {
  readonly #settings: Settings;
  readonly #commands = new Commands();
  readonly #incidents = new IncidentRing();
  readonly #tunnels: Cap;
  readonly #lifecycle: Lifecycle = { isStarted: false, isDraining: false };
  readonly #sink: LineSink | null;
  readonly #log;
  readonly #bus: EventBus;
  readonly #registry: Registry;
  readonly #context: ForwardContext;
  readonly #resolver: Resolver;
  readonly #builder: PlanBuilder;
  readonly #unlisted: UnlistedDestinations;
  readonly #upstreams: readonly BuiltUpstream[];
  readonly #metrics: Metrics;
  readonly #drainRequest = Promise.withResolvers<void>();
  #listeners: Listeners | null = null;
  #adminServer: AdminServer | null = null;
  #closing: Promise<void> | null = null;

  constructor(settings: Settings, { logLine }: StartOptions) {
    const clock = systemClock;
    const random = Math.random;
    this.#settings = settings;
    this.#tunnels = new Cap(settings.egress.maxTunnels);
    this.#sink = logLine === undefined ? new LineSink({ clock, descriptor: openStandardOutput() }) : null;
    const sink: LogSink = this.#sink ?? { write: (line) => logLine?.(line) };
    this.#log = createLog({ settings: settings.log, sink, clock, random });
    this.#bus = new EventBus([this.#log.listener, this.#commands, this.#incidents]);
    this.#registry = new Registry(clock, this.#bus);
    const processId = randomBytes(3).toString('hex');
    const pseudonym = `outrigger-${processId}`;
    let lastId = 0;
    this.#context = {
      clock,
      random,
      bus: this.#bus,
      replayPool: new ReplayPool(settings.replayBytes),
      tunnels: this.#tunnels,
      pseudonym,
      via: [`Via: 1.0 ${pseudonym}\r\n`, `Via: 1.1 ${pseudonym}\r\n`],
      nextRequestId: () => {
        lastId += 1;
        return `${processId}-${lastId}`;
      },
    };
    const ours = () => this.#ownAddresses();
    this.#resolver = new Resolver({ clock, isOwnListener: (ip, port) => isOwnListener(ours(), ip, port) });
    this.#builder = new PlanBuilder({
      context: this.#context,
      settings,
      registry: this.#registry,
      commands: this.#commands,
      resolver: this.#resolver,
      unlistedRules: new UnlistedRules(ours),
    });
    this.#unlisted = new UnlistedDestinations({
      clock,
      max: settings.egress.maxUnlisted,
      idleMs: settings.egress.unlistedIdleMs,
      create: (name, authority) => this.#builder.unlisted(name, authority),
    });
    this.#upstreams = settings.upstreams.map((upstream) => this.#builder.upstream(upstream));
    this.#metrics = new Metrics({
      commands: this.#commands,
      clock,
      version,
      upstreams: () => this.#upstreams.map((upstream) => upstreamMetrics(upstream, clock.now())),
      reloads: () => ({ succeeded: 0, failed: 0, lastSucceeded: true }),
      tunnels: () => this.#tunnels.open,
      logLinesDropped: () => this.#sink?.dropped ?? 0,
      listenerErrors: () => this.#bus.errors,
    });
  }

  get drainRequested(): Promise<void> {
    return this.#drainRequest.promise;
  }

  get egress(): ListenAddress {
    return this.#running().egress;
  }

  get admin(): ListenAddress {
    return this.#adminServer!.address;
  }

  get probes(): ListenAddress | null {
    return this.#adminServer!.probesAddress;
  }

  get listeners(): ReadonlyMap<string, ListenAddress> {
    return this.#running().own;
  }

  async start(source: string): Promise<void> {
    try {
      this.#listeners = await openListeners({
        settings: this.#settings,
        context: this.#context,
        unrouted: this.#commands.unrouted,
        unlisted: (authority) => this.#unlisted.planFor(authority),
        upstreams: this.#upstreams,
        isOurOwn: (authority) => this.#isOurOwn(authority),
      });
      this.#adminServer = await this.#startAdmin(source);
    } catch (error) {
      await this.close();
      throw error instanceof AdminStartError ? new StartError('admin', error.message, error) : error;
    }
    this.#lifecycle.isStarted = true;
    const egress = formatListenAddress(this.egress);
    const admin = formatListenAddress(this.admin);
    this.#log.logger.info(
      {
        event: 'process.started',
        version,
        source,
        egress,
        admin,
        pid: process.pid,
      },
      `proxy on http://${egress}, admin on http://${admin}`,
    );
    this.#warnOfOpenPorts();
  }

  /** A proxy that others can reach calls whatever they ask for. */
  #warnOfOpenPorts(): void {
    for (const address of [this.egress, ...this.listeners.values()]) {
      if (isLoopback(address.host)) continue;
      const written = formatListenAddress(address);
      const message = `${written} can be reached by others, who can then call through this proxy: listen on 127.0.0.1`;
      this.#log.logger.warn({ event: 'listener.open_to_others', address: written }, message);
    }
  }

  async drain(): Promise<void> {
    if (!this.#lifecycle.isDraining) {
      this.#lifecycle.isDraining = true;
      this.#log.logger.info({ event: 'process.draining' }, 'draining: still serving, readiness is off');
      for (const listener of this.#all()) listener.drain();
    }
    const busy = () => this.#all().reduce((sum, listener) => sum + listener.busy, 0);
    const isQuiet = await untilQuiet(this.#context.clock, this.#settings.drain, busy);
    this.#log.logger.info(
      { event: 'process.drained', isQuiet },
      isQuiet ? 'quiet: ending' : 'deadline: ending',
    );
    await this.close();
  }

  noteDefect(error: unknown): void {
    this.#log.logger.fatal({ event: 'process.defect', err: error }, 'a defect: ending within a second');
    this.#sink?.flush();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#listeners?.close(), this.#adminServer?.close()]);
    this.#unlisted.close();
    for (const { upstream } of this.#upstreams) upstream.close();
    this.#builder.close();
    this.#registry.close();
    this.#resolver.close();
    this.#sink?.flush();
  }

  #startAdmin(source: string): Promise<AdminServer> {
    const { clock, pseudonym } = this.#context;
    const egress = formatListenAddress(this.egress);
    const port = new AdminView(
      {
        clock,
        settings: this.#settings,
        registry: this.#registry,
        commands: this.#commands,
        upstreams: this.#upstreams,
        lifecycle: this.#lifecycle,
        incidents: this.#incidents,
        process: { id: pseudonym, version, startedAt: clock.wallTime(), egress, source },
        drain: () => this.#drainRequest.resolve(),
      },
      () => this.#metrics,
    );
    return startAdminServer({
      settings: this.#settings.admin,
      port,
      clock,
      onDefect: (error) =>
        this.#log.logger.error({ event: 'admin.defect', err: error }, 'a defect in the admin interface'),
    });
  }

  #running(): Listeners {
    if (this.#listeners === null) throw new Error('The sidecar has not been started');
    return this.#listeners;
  }

  #all(): readonly DataListener[] {
    return this.#listeners?.all ?? [];
  }

  #ownAddresses(): readonly ListenerAddress[] {
    if (this.#listeners === null) return [];
    const addresses: ListenerAddress[] = [this.#listeners.egress, ...this.#listeners.own.values()];
    if (this.#adminServer !== null) addresses.push(this.#adminServer.address);
    if (this.#adminServer?.probesAddress) addresses.push(this.#adminServer.probesAddress);
    return addresses;
  }

  #isOurOwn({ host, port }: Authority): boolean {
    const ours = this.#ownAddresses();
    if (!isLocalhost(host)) return isOwnListener(ours, host, port);
    return isOwnListener(ours, '127.0.0.1', port) || isOwnListener(ours, '::1', port);
  }
}

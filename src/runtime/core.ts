import { IncidentRing } from '../admin/incident-ring.ts';
import type { LogSettings, Settings } from '../config/settings.ts';
import { Cap } from '../lib/cap.ts';
import { systemClock } from '../lib/clock.ts';
import { ReplayPool } from '../proxy/body-record.ts';
import type { ForwardContext } from '../proxy/plan.ts';
import { UnlistedDestinations } from '../proxy/unlisted.ts';
import { type BusListener, EventBus } from '../telemetry/bus.ts';
import { Commands } from '../telemetry/commands.ts';
import { LineSink, openStandardStream, type StandardStream } from '../telemetry/line-sink.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { isOwnListener, type ListenerAddress, UnlistedRules } from '../upstream/address-rules.ts';
import { Resolver } from '../upstream/resolver.ts';
import { PlanBuilder } from './plan-builder.ts';
import { Registry } from './registry.ts';
import type { Runtime } from './runtime.ts';

export interface CoreOptions {
  /** Takes the log's lines instead of a standard stream. */
  readonly logLine?: ((line: string) => void) | undefined;
  readonly logStream?: StandardStream | undefined;
  /** Hears what happens, beside the log and the figures. */
  readonly listener?: BusListener | undefined;
  /** The addresses that we listen on now. */
  readonly ownAddresses: () => readonly ListenerAddress[];
  /** What is in force now. */
  readonly runtime: () => Runtime;
}

/** What outlives every configuration: what has a memory, what happens, and the limits that all exchanges share. */
export class Core {
  readonly clock = systemClock;
  readonly commands = new Commands();
  readonly incidents = new IncidentRing();
  readonly connections: Cap;
  readonly tunnels: Cap;
  log: Log;
  readonly bus: EventBus;
  readonly registry: Registry;
  readonly context: ForwardContext;
  readonly builder: PlanBuilder;
  readonly unlisted: UnlistedDestinations;
  readonly #listener: BusListener;
  readonly #sink: LineSink | null;
  readonly #replayPool: ReplayPool;
  readonly #resolver: Resolver;
  readonly #createLog: (settings: LogSettings) => Log;

  constructor(settings: Settings, options: CoreOptions) {
    const { logLine, logStream = 1, listener = {}, ownAddresses, runtime } = options;
    const { clock } = this;
    this.#listener = listener;
    const random = Math.random;
    this.connections = new Cap(settings.egress.maxConnections);
    this.tunnels = new Cap(settings.egress.maxTunnels);
    this.#sink =
      logLine === undefined ? new LineSink({ clock, descriptor: openStandardStream(logStream) }) : null;
    const sink = this.#sink ?? { write: (line: string) => logLine?.(line) };
    this.#createLog = (log) => createLog({ settings: log, sink, clock, random });
    this.log = this.#createLog(settings.log);
    this.bus = new EventBus(this.#listeners());
    this.registry = new Registry(clock, this.bus);
    this.#replayPool = new ReplayPool(settings.replayBytes);
    // Tells processes apart, and is no secret.
    const processId = Math.floor(random() * 2 ** 24)
      .toString(16)
      .padStart(6, '0');
    const pseudonym = `outrigger-${processId}`;
    let lastId = 0;
    this.context = {
      clock,
      random,
      bus: this.bus,
      replayPool: this.#replayPool,
      tunnels: this.tunnels,
      pseudonym,
      via: [`Via: 1.0 ${pseudonym}\r\n`, `Via: 1.1 ${pseudonym}\r\n`],
      nextRequestId: () => {
        lastId += 1;
        return `${processId}-${lastId}`;
      },
    };
    const { registry, commands, context } = this;
    this.#resolver = new Resolver({
      clock,
      isOwnListener: (ip, port) => isOwnListener(ownAddresses(), ip, port),
    });
    const unlistedRules = new UnlistedRules(ownAddresses);
    const resolver = this.#resolver;
    this.builder = new PlanBuilder({ context, registry, commands, resolver, unlistedRules });
    this.unlisted = new UnlistedDestinations({
      clock,
      max: settings.egress.maxUnlisted,
      idleMs: settings.egress.unlistedIdleMs,
      create: (name, authority, before) => this.builder.unlisted(name, authority, runtime().settings, before),
    });
  }

  get logLinesDropped(): number {
    return this.#sink?.dropped ?? 0;
  }

  /** Takes the limits over that are the process's own. What of the unlisted destinations is another thing now is made anew. */
  update(settings: Settings, areUnlistedOthers: boolean): void {
    const { egress } = settings;
    this.log = this.#createLog(settings.log);
    this.bus.listeners = this.#listeners();
    this.connections.resize(egress.maxConnections);
    this.tunnels.resize(egress.maxTunnels);
    this.#replayPool.resize(settings.replayBytes);
    this.unlisted.update({ max: egress.maxUnlisted, idleMs: egress.unlistedIdleMs });
    if (egress.unlisted === 'deny') this.unlisted.close();
    else if (areUnlistedOthers) this.unlisted.renew();
  }

  #listeners(): readonly BusListener[] {
    return [this.log.listener, this.commands, this.incidents, this.#listener];
  }

  /** Writes out what of the log is waiting. */
  flushLog(): void {
    this.#sink?.flush();
  }

  close(): void {
    this.unlisted.close();
    this.builder.close();
    this.registry.close();
    this.#resolver.close();
    this.flushLog();
  }
}

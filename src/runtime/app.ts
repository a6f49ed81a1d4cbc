import { isDeepStrictEqual } from 'node:util';
import { AdminStartError } from '../admin/admin-listener.ts';
import type { ReloadReport } from '../admin/admin-port.ts';
import { AdminServer, type PreparedAdmin } from '../admin/server.ts';
import { formatListenAddress, isLoopback } from '../config/addresses.ts';
import { ConfigWatcher } from '../config/config-watcher.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import type { ListenAddress, Settings } from '../config/settings.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { EgressRoutes } from '../proxy/route.ts';
import { AdminView, type Lifecycle, upstreamMetrics } from './admin-view.ts';
import { Core } from './core.ts';
import { untilQuiet } from './drain.ts';
import { Listeners } from './listeners.ts';
import { OwnAddresses } from './own-addresses.ts';
import { Reloader } from './reloader.ts';
import type { ConfigFile, RunningApp, StartOptions } from './running-app.ts';
import { buildRuntime, changesInWords, type Runtime, retireRest } from './runtime.ts';
import { StartError } from './start-error.ts';
import { version } from './version.ts';
import { isSameForWires } from './wire-builder.ts';

/** Starts the sidecar; rejects with a `StartError` and leaves nothing open when it cannot. */
export const startApp = async (settings: Settings, options: StartOptions = {}): Promise<RunningApp> => {
  const app = new App(settings, options);
  await app.start(settings);
  return app;
};

const unlistedDenied: Rejected = Object.freeze(
  rejected('unlisted_destination', -1, 'Add an upstream for it, or set egress.unlisted to allow'),
);

/** The composition root: builds everything, swaps it, and takes it down again. */
class App implements RunningApp {
  readonly #options: StartOptions;
  readonly #lifecycle: Lifecycle = { isStarted: false, isDraining: false };
  readonly #ownAddresses = new OwnAddresses();
  readonly #core: Core;
  readonly #listeners: Listeners;
  readonly #adminServer: AdminServer;
  readonly #reloader: Reloader;
  readonly #drainRequest = Promise.withResolvers<void>();
  /** What is in force. */
  #runtime: Runtime;
  #egress: EgressRoutes;
  #watcher: ConfigWatcher | null = null;
  /** Addresses whose openness was told. */
  readonly #warnedOf = new Set<string>();
  #closing: Promise<void> | null = null;

  constructor(settings: Settings, options: StartOptions) {
    this.#options = options;
    const core = new Core(settings, {
      logLine: options.logLine,
      logStream: options.logStream,
      listener: options.listener,
      ownAddresses: () => this.#ownAddresses.all,
      runtime: () => this.#runtime,
    });
    this.#core = core;
    this.#ownAddresses.update(settings, []);
    this.#listeners = new Listeners({
      context: core.context,
      timeouts: core.builder.timeouts,
      unrouted: core.commands.unrouted,
      cap: core.connections,
      directions: {
        egress: () => this.#egress,
        upstream: (name) => this.#runtime.byName.get(name),
      },
    });
    this.#reloader = new Reloader({
      load: options.file == null ? null : () => this.#load(options.file!),
      obstacle: () => (this.#isEnding ? 'it is draining' : null),
      apply: (next) => this.#apply(next),
      bus: core.bus,
      clock: core.clock,
    });
    this.#adminServer = new AdminServer({
      port: this.#adminPort(),
      clock: core.clock,
      onDefect: (error) =>
        core.log.logger.error({ event: 'admin.defect', err: error }, 'a defect in the admin interface'),
    });
    // The last: it asks for names at once, and with them for our own addresses.
    this.#runtime = buildRuntime(core.builder, settings, null);
    this.#egress = this.#egressRoutes();
  }

  get drainRequested(): Promise<void> {
    return this.#drainRequest.promise;
  }

  get egress(): ListenAddress {
    return this.#listeners.egress!;
  }

  get admin(): ListenAddress {
    return this.#adminServer.address!;
  }

  get probes(): ListenAddress | null {
    return this.#adminServer.probesAddress;
  }

  get listeners(): ReadonlyMap<string, ListenAddress> {
    return this.#listeners.own;
  }

  async start(settings: Settings): Promise<void> {
    try {
      await this.#open(settings, () => {});
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#lifecycle.isStarted = true;
    const egress = formatListenAddress(this.egress);
    const admin = formatListenAddress(this.admin);
    const source = this.#options.source ?? '';
    this.#core.log.logger.info(
      { event: 'process.started', version, source, egress, admin, pid: process.pid },
      `proxy on http://${egress}, admin on http://${admin}`,
    );
    this.#warnOfOpenPorts();
    const { path = null, files = this.#runtime.settings.bodyFiles } = this.#options.file ?? {};
    if (path === null) return;
    this.#watcher = new ConfigWatcher({
      path,
      read: files,
      clock: this.#core.clock,
      onChange: () => void this.#reloader.reload(),
    });
  }

  reload(): Promise<ReloadReport> {
    return this.#reloader.reload();
  }

  #load({ load }: ConfigFile): LoadedSettings {
    const loaded = load();
    this.#watcher?.wasRead(loaded.files);
    return loaded;
  }

  /** Everything that can fail comes before the swap, which happens within one tick. */
  async #apply(settings: Settings): Promise<string> {
    const before = this.#runtime;
    await this.#open(settings, () => {
      this.#ownAddresses.update(settings, this.#bound());
      const next = buildRuntime(this.#core.builder, settings, before);
      this.#runtime = next;
      this.#egress = this.#egressRoutes();
      retireRest(before, next, this.#core);
      this.#core.update(settings, hasOtherUnlisted(before.settings, settings));
    });
    this.#warnOfOpenPorts();
    return changesInWords(before.settings, settings);
  }

  /** Opens what the settings need, then calls `swap`, and leads what comes in to where they say. */
  async #open(settings: Settings, swap: () => void): Promise<void> {
    const ports = await this.#listeners.prepare(settings);
    let admin: PreparedAdmin | null = null;
    try {
      admin = await this.#adminServer.prepare(settings.admin);
      // It may have begun to end meanwhile: who drains the listeners that are there would miss the new ones.
      if (this.#isEnding) throw new StartError('ending', 'the process is ending');
      swap();
      ports.commit();
      admin.commit();
      this.#ownAddresses.update(settings, this.#bound());
    } catch (error) {
      ports.undo();
      admin?.undo();
      throw error instanceof AdminStartError ? new StartError('admin', error.message, error) : error;
    }
  }

  get #isEnding(): boolean {
    return this.#lifecycle.isDraining || this.#closing !== null;
  }

  /** A proxy that others can reach calls whatever they ask for. */
  #warnOfOpenPorts(): void {
    for (const address of [this.egress, ...this.listeners.values()]) {
      const written = formatListenAddress(address);
      if (isLoopback(address.host) || this.#warnedOf.has(written)) continue;
      this.#warnedOf.add(written);
      const message = `${written} can be reached by others, who can then call through this proxy: listen on 127.0.0.1`;
      this.#core.log.logger.warn({ event: 'listener.open_to_others', address: written }, message);
    }
  }

  async drain(): Promise<void> {
    if (!this.#lifecycle.isDraining) {
      this.#lifecycle.isDraining = true;
      this.#core.log.logger.info({ event: 'process.draining' }, 'draining: still serving, readiness is off');
      this.#listeners.drain();
    }
    const { settings } = this.#runtime;
    const isQuiet = await untilQuiet(this.#core.clock, settings.drain, this.#listeners);
    this.#core.log.logger.info(
      { event: 'process.drained', isQuiet },
      isQuiet ? 'quiet: ending' : 'deadline: ending',
    );
    await this.close();
  }

  noteDefect(error: unknown): void {
    this.#core.log.logger.fatal({ event: 'process.defect', err: error }, 'a defect: ending within a second');
    this.#core.flushLog();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#watcher?.close();
    await this.#reloader.settled;
    await Promise.all([this.#listeners.close(), this.#adminServer.close()]);
    for (const { wire } of this.#runtime.upstreams) wire.upstream.close();
    this.#core.close();
  }

  #adminPort(): AdminView {
    const { clock, context, registry, commands, incidents, tunnels, bus } = this.#core;
    const startedAt = clock.wallTime();
    return new AdminView({
      clock,
      runtime: () => this.#runtime,
      registry,
      commands,
      lifecycle: this.#lifecycle,
      incidents,
      metrics: {
        commands,
        clock,
        version,
        upstreams: () => this.#runtime.upstreams.map((built) => upstreamMetrics(built, clock.now())),
        reloads: () => this.#reloader.counts,
        tunnels: () => tunnels.open,
        logLinesDropped: () => this.#core.logLinesDropped,
        listenerErrors: () => bus.errors,
      },
      process: () => ({
        id: context.pseudonym,
        version,
        startedAt,
        egress: formatListenAddress(this.egress),
        source: this.#options.source ?? '',
      }),
      drain: () => this.#drainRequest.resolve(),
      reload: () => this.reload(),
    });
  }

  #egressRoutes(): EgressRoutes {
    const { settings, byHost } = this.#runtime;
    return {
      byHost,
      isOurOwn: (authority) => this.#ownAddresses.includes(authority),
      unlisted:
        settings.egress.unlisted === 'allow'
          ? (authority) => this.#core.unlisted.planFor(authority)
          : () => unlistedDenied,
    };
  }

  /** What is open now. */
  #bound(): readonly (ListenAddress | null)[] {
    const { egress, own } = this.#listeners;
    const { address, probesAddress } = this.#adminServer;
    return [egress, ...own.values(), address, probesAddress];
  }
}

/** True where destinations that no upstream names live by other rules than before. */
const hasOtherUnlisted = (before: Settings, next: Settings): boolean => {
  const rules = ({ unlistedPolicy, unlistedPool }: Settings) => [unlistedPolicy, unlistedPool];
  return !isSameForWires(before.limits, next.limits) || !isDeepStrictEqual(rules(before), rules(next));
};

import type { Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { AdminSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Commands } from '../telemetry/commands.ts';
import { adminHandler, contained, type Handle, probesHandler } from './admin-handlers.ts';
import type { ListenTarget } from './admin-listener.ts';
import {
  AdminStartError,
  boundAddress,
  closeAdmin,
  formatListenTarget,
  listenAdmin,
  retireAdmin,
} from './admin-listener.ts';
import type { AdminPort } from './admin-port.ts';
import { problem, sendProblem } from './admin-reply.ts';
import { AdminRoutes } from './admin-routes.ts';
import { DashboardAssets } from './dashboard-assets.ts';
import { dashboardFiles } from './dashboard-files.ts';
import { EventStream } from './event-stream.ts';
import { isLoopbackName } from './guard.ts';
import { renderEvents } from './hystrix-events.ts';
import { HystrixStream, type Render } from './hystrix-stream.ts';
import { renderConfig, renderUtilization } from './hystrix-summaries.ts';
import { Sessions } from './session.ts';
import { StreamSlots } from './stream-slots.ts';

export interface AdminServerOptions {
  readonly port: AdminPort;
  readonly clock: Clock;
  /** Hears of a defect in a handler; the caller of the admin interface gets 500. */
  readonly onDefect: (error: unknown) => void;
}

/** What the settings of the admin interface need and what was not there yet: it is by now, and answers nobody. */
export interface PreparedAdmin {
  /** The settings are in force from now on. */
  commit(): void;
  /** Closes what was opened. */
  undo(): void;
}

/** An address that is listened on. */
interface Listening {
  readonly target: ListenTarget;
  readonly server: Server;
}

/** The streams that Hystrix's own tools read, by path; they share their slots. */
const hystrixStreams = (
  commands: Commands,
  clock: Clock,
  slots: StreamSlots,
): ReadonlyMap<string, HystrixStream> => {
  const stream = (defaultDelayMs: number, render: Render): HystrixStream =>
    new HystrixStream({ render, defaultDelayMs, clock, slots });
  return new Map([
    ['/hystrix.stream', stream(500, (now, wallTime) => renderEvents(commands, now, wallTime))],
    ['/hystrix/utilization.stream', stream(500, () => renderUtilization(commands))],
    ['/hystrix/config.stream', stream(5000, (now) => renderConfig(commands, now))],
  ]);
};

/** What requests meet under the settings in force. */
interface InForce {
  readonly settings: AdminSettings;
  readonly sessions: Sessions | null;
  readonly handle: Handle;
  readonly handleProbes: Handle;
  readonly admin: Listening;
  /** null: there is no listener of its own for probes. */
  readonly probes: Listening | null;
}

/** For who comes before the settings of the address are in force. */
const notYet: Handle = async (_request, response) =>
  sendProblem(response, problem(503, 'Starting', 'Ask again in a moment'));

/** The admin interface: one address for people, and where the settings ask for it another one for probes. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #allSlots = new StreamSlots(0);
  readonly #hystrixSlots = new StreamSlots(0, this.#allSlots);
  readonly #hystrix: ReadonlyMap<string, HystrixStream>;
  readonly #events: EventStream;
  readonly #assets = new DashboardAssets(dashboardFiles);
  #inForce: InForce | null = null;
  /** Each ends what is left of an address that was given up a moment ago. */
  readonly #retired = new Set<() => void>();

  constructor(options: AdminServerOptions) {
    const { port, clock } = options;
    this.#options = options;
    this.#hystrix = hystrixStreams(port.commands, clock, this.#hystrixSlots);
    this.#events = new EventStream(port, clock, this.#allSlots);
  }

  /** null: it has not been started. */
  get address(): ListenTarget | null {
    return this.#inForce === null ? null : boundAddress(this.#inForce.admin.server);
  }

  /** null: there is no listener of its own for probes. */
  get probesAddress(): ListenTarget | null {
    const probes = this.#inForce?.probes ?? null;
    return probes === null ? null : boundAddress(probes.server);
  }

  /**
   * Opens the addresses that are not open yet. Rejects with `AdminStartError` when one cannot be had, or is open to
   * others without a token; then nothing has changed.
   */
  async prepare(settings: AdminSettings): Promise<PreparedAdmin> {
    if (settings.token === null && !isLoopbackName(settings.address.host)) {
      const address = formatListenTarget(settings.address);
      throw new AdminStartError(
        'token_needed',
        `admin address ${address} can be reached by others: set admin.token, or listen on 127.0.0.1`,
      );
    }
    const opened: Server[] = [];
    const undo = (): void => {
      for (const server of opened) void closeAdmin(server);
    };
    let isCommitted = false;
    const listen = async (
      target: ListenTarget,
      known: Listening | null,
      remedy: string,
      handleOf: (inForce: InForce) => Handle,
    ) => {
      if (known !== null && isDeepStrictEqual(known.target, target)) return known;
      // The settings that are in force until then may ask nobody for a token, and this address may be open to others.
      const handle = (): Handle => (isCommitted ? handleOf(this.#inForce!) : notYet);
      const server = await listenAdmin(target, remedy, contained(handle, this.#options.onDefect));
      opened.push(server);
      return { target, server };
    };
    const commit = (admin: Listening, probes: Listening | null): void => {
      isCommitted = true;
      this.#commit(settings, admin, probes);
    };
    try {
      const before = this.#inForce;
      const remedy = 'choose another one with --admin or admin.address';
      const admin = await listen(settings.address, before?.admin ?? null, remedy, ({ handle }) => handle);
      const probes =
        settings.probes === null
          ? null
          : await listen(
              settings.probes,
              before?.probes ?? null,
              'choose another one with admin.probes',
              ({ handleProbes }) => handleProbes,
            );
      return { commit: () => commit(admin, probes), undo };
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Ends streams, closes listeners and connections. */
  async close(): Promise<void> {
    for (const stream of this.#hystrix.values()) stream.close();
    this.#events.close();
    for (const end of [...this.#retired]) end();
    const { admin = null, probes = null } = this.#inForce ?? {};
    await Promise.all(
      [admin, probes].map((listening) => (listening === null ? null : closeAdmin(listening.server))),
    );
  }

  #commit(settings: AdminSettings, admin: Listening, probes: Listening | null): void {
    const before = this.#inForce;
    const { port, clock } = this.#options;
    const { token } = settings;
    const hasSameToken = before !== null && before.settings.token === token;
    const sessions = hasSameToken ? before.sessions : token === null ? null : new Sessions(token, clock);
    const assets = this.#assets;
    const routes = new AdminRoutes({
      port,
      clock,
      hystrix: this.#hystrix,
      events: this.#events,
      assets,
      token,
      sessions,
    });
    this.#allSlots.resize(settings.maxStreams.all);
    this.#hystrixSlots.resize(settings.maxStreams.hystrix);
    this.#inForce = {
      settings,
      sessions,
      handle: adminHandler({ settings, routes, assets, sessions }),
      handleProbes: probesHandler(routes),
      admin,
      probes,
    };
    if (before === null) return;
    // Who was let in by a token that holds no longer comes again, and is asked.
    if (!hasSameToken) this.#endReaders();
    for (const listening of [before.admin, before.probes]) {
      if (listening === null || listening === admin || listening === probes) continue;
      const end = retireAdmin(listening.server, clock, () => this.#retired.delete(end));
      this.#retired.add(end);
    }
  }

  #endReaders(): void {
    for (const stream of this.#hystrix.values()) stream.endReaders();
    this.#events.endReaders();
  }
}

/** Starts the admin interface; rejects with `AdminStartError` and leaves nothing open. */
export const startAdminServer = async (
  options: AdminServerOptions & { readonly settings: AdminSettings },
): Promise<AdminServer> => {
  const server = new AdminServer(options);
  (await server.prepare(options.settings)).commit();
  return server;
};

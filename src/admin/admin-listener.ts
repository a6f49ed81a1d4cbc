import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { http } from '../lib/node-http.ts';

/** Where to listen: an IP literal or `localhost`, and a port. */
export interface ListenTarget {
  readonly host: string;
  readonly port: number;
}

/** Why the admin interface could not start. */
export type AdminStartCode =
  | 'address_in_use'
  | 'address_not_available'
  | 'permission_denied'
  | 'listen_failed'
  | 'token_needed';

/** The admin interface, or its probes, could not start; the message says which address and what moves it. */
export class AdminStartError extends Error {
  override readonly name = 'AdminStartError';
  readonly code: AdminStartCode;

  constructor(code: AdminStartCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const startFailures: Readonly<Record<string, { readonly code: AdminStartCode; readonly what: string }>> = {
  EADDRINUSE: { code: 'address_in_use', what: 'is in use' },
  EADDRNOTAVAIL: { code: 'address_not_available', what: 'is no address of this machine' },
  EACCES: { code: 'permission_denied', what: 'may not be used without more privileges' },
};

/** `host:port` as a person writes it. */
export const formatListenTarget = ({ host, port }: ListenTarget): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const startError = (error: NodeJS.ErrnoException, target: ListenTarget, remedy: string): AdminStartError => {
  const known = startFailures[error.code ?? ''];
  const what = known?.what ?? `cannot be listened on (${error.code ?? error.message})`;
  return new AdminStartError(
    known?.code ?? 'listen_failed',
    `admin address ${formatListenTarget(target)} ${what}: ${remedy}`,
    error,
  );
};

/** Bounds of a server for a few people and scrapers, none of whom may hold a connection for nothing. */
const serverOptions = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16 * 1024,
};
const maxConnections = 256;
/** A client that takes nothing of what was written to it for so long is gone; Node notices after one or two of these. */
const stallMs = 60_000;

/**
 * Opens a listener. Rejects with {@link AdminStartError}; `remedy` tells there which setting and flag move the address.
 */
export const listenAdmin = (
  target: ListenTarget,
  remedy: string,
  handle: RequestListener,
): Promise<Server> => {
  const server = http.createServer(serverOptions, handle);
  server.maxConnections = maxConnections;
  server.setTimeout(stallMs);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(startError(error, target, remedy)));
    server.listen({ host: target.host, port: target.port, exclusive: true }, () => {
      server.removeAllListeners('error');
      // An error of accept() (out of descriptors) costs that connection only.
      server.on('error', () => {});
      resolve(server);
    });
  });
};

/** The address that a server was given, which tells the port where 0 was asked for. */
export const boundAddress = (server: Server): ListenTarget => {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
};

/** Stops accepting and breaks off what is still open. */
export const closeAdmin = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

/** How long an answer that was begun on an address may take when the address is given up. */
const retireMs = 2000;

/**
 * Stops accepting at once, and breaks off a little later what is still open: the answer to who asked for it is among that.
 * Whoever ends the process calls what is returned, and does not wait. `ended` is called once, when all is broken off.
 */
export const retireAdmin = (server: Server, clock: Clock, ended: () => void): (() => void) => {
  const end = (): void => {
    timer.cancel();
    server.closeAllConnections();
    ended();
  };
  server.close();
  const timer = clock.after(retireMs, end);
  return end;
};

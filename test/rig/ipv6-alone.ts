import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Owner } from './owner.ts';

/** Ports that the system gives to nobody by itself: on Linux it begins at 32768. */
const FIRST = 20_000;
const PORTS = 10_000;

/**
 * A port on which something listens at ::1 and nothing at 127.0.0.1. One that the system chooses may have been given to
 * another test at the other address.
 */
export const listenOnIpv6Alone = async (owner: Owner): Promise<number> => {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(port, '::1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    owner.after(() => server.close());
    return port;
  }
};

import type { Server } from 'node:net';

const BACKLOG = 511;

/** A port of the data path, as whoever drains and closes all of them sees it. */
export interface DataListener {
  /** Connections on which something is under way. */
  readonly busy: number;
  /** Goes on serving, and lets connections end as they come to a place where they can. */
  drain(): void;
  /** Stops accepting and breaks off what is left. */
  close(): Promise<void>;
}

/** Resolves with the address when the server listens, rejects with the system's error. */
export const listenOn = (
  server: Server,
  host: string,
  port: number,
): Promise<{ host: string; port: number }> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeListener('error', reject);
      // A connection that could not be taken, for want of descriptors: it costs that one, not the process.
      server.on('error', () => {});
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no address'));
      else resolve({ host: address.address, port: address.port });
    });
  });

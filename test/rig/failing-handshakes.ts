import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { Dialer } from '../../src/upstream/dialer.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import type { Address, TlsSettings } from '../../src/upstream/sources.ts';
import { TlsContextSource } from '../../src/upstream/tls-context.ts';
import { TlsDialer } from '../../src/upstream/tls-dialer.ts';
import type { CertificateAuthority } from './certificates.ts';
import type { Owner } from './owner.ts';

/** What the heap holds after a collection, and what is held beside it for its objects. */
export const heldBytes = (): number => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Twice: what the first finds to be finalized is freed by the second.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const listen = async (owner: Owner, server: Server): Promise<Address> => {
  server.listen(0, '127.0.0.1');
  owner.after(() => server.close());
  await once(server, 'listening');
  return { kind: 'ip', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
};

/**
 * Servers whose handshakes fail, each in a way of its own, and the product's dialer before them. Gives a function that
 * dials them in turn, `count` times in all, and tells how often each reason was heard.
 */
export const startFailingHandshakes = async (owner: Owner, authority: CertificateAuthority) => {
  const expired = authority.issue({ names: ['DNS:u.test'], validFromDays: -10, validToDays: -3 });
  const good = authority.issue({ names: ['DNS:u.test'] });
  const servers = [
    createTlsServer(expired),
    createTlsServer({ ...good, ca: authority.own.cert, ALPNProtocols: ['h2'] }),
    createServer((socket) => {
      socket.on('error', () => {}).on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    }),
    createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.destroy());
    }),
  ];
  const addresses = await Promise.all(servers.map((server) => listen(owner, server)));
  const settings: TlsSettings = {
    files: { ca: authority.own.certFile, cert: null, key: null },
    serverName: 'u.test',
    minVersion: '1.2',
    alpn: ['http/1.1'],
  };
  const clock = systemClock;
  const timeouts = new TimeoutQueues(clock);
  owner.after(() => timeouts.close());
  const dialer = new TlsDialer({
    dialer: new Dialer({ clock, timeouts, resolver: new Resolver({ clock }), rules: null }),
    contexts: new TlsContextSource({ name: 'u', settings, clock, bus: { tlsFilesChanged: () => {} } }),
    settings,
  });
  const fail = (address: Address): Promise<string> =>
    new Promise((resolve, reject) => {
      dialer.dial(address, 30_000, {
        dialled: () => reject(new Error('a handshake succeeded')),
        dialFailed: ({ reason }) => resolve(reason),
      });
    });
  return async (count: number): Promise<Readonly<Record<string, number>>> => {
    const heard: Record<string, number> = {};
    for (let done = 0; done < count; done += addresses.length) {
      for (const reason of await Promise.all(addresses.map(fail))) heard[reason] = (heard[reason] ?? 0) + 1;
    }
    return heard;
  };
};

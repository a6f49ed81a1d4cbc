import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { connectForStreams, Dialer, type DialerOptions } from '../../src/upstream/dialer.ts';
import { Endpoint } from '../../src/upstream/endpoint.ts';
import { Http1Transport } from '../../src/upstream/http1-transport.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import type { PoolSettings } from '../../src/upstream/sources.ts';
import type { Transport } from '../../src/upstream/transport.ts';
import { UndiciTransport } from '../../src/upstream/undici-transport.ts';
import type { Owner } from './owner.ts';

/** Bounds of the wire for tests. */
export const clientBoundsForTests = {
  head: { lineBytes: 8192, headBytes: 8192, fields: 100 },
  chunked: { extensionBytes: 1024, trailerBytes: 1024, fields: 100 },
  informational: 10,
};

const defaultPool: PoolSettings = { connectionsPerEndpoint: 2, maxIdle: 2, idleMs: 60_000 };

export const openDialer = (owner: Owner, more: Partial<DialerOptions> = {}): Dialer => {
  const timeouts = new TimeoutQueues(systemClock);
  owner.after(() => timeouts.close());
  const resolver = new Resolver({ clock: systemClock });
  return new Dialer({ clock: systemClock, timeouts, resolver, rules: null, ...more });
};

/** An endpoint on this machine, whose connections go with their owner. */
export const openEndpoint = (owner: Owner, port: number): Endpoint => {
  const endpoint = new Endpoint({ kind: 'ip', host: '127.0.0.1', port });
  owner.after(() => endpoint.connections?.close());
  return endpoint;
};

/** The transports that carry bytes. */
export const realTransports: Readonly<
  Record<'our HTTP/1.1' | 'undici', (owner: Owner, pool?: Partial<PoolSettings>) => Transport>
> = {
  'our HTTP/1.1': (owner, pool) =>
    new Http1Transport({
      clock: systemClock,
      dialer: openDialer(owner),
      pool: { ...defaultPool, ...pool },
      bounds: clientBoundsForTests,
    }),
  undici: (owner, pool) =>
    new UndiciTransport({
      clock: systemClock,
      dialer: openDialer(owner, { connect: connectForStreams }),
      pool: { ...defaultPool, ...pool },
      bounds: clientBoundsForTests,
    }),
};

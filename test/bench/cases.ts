/**
 * What a proxy is set up as: each has a configuration of its own for every peer that can be had for it. `tls`: HTTP, with
 * TLS to the upstream. `routes`: a thousand of them, and the request takes one in the middle. `refusing`: the upstream is
 * gone, and the proxy knows it. `slow`: HTTP, with room for a crowd of slow clients. `hosts`: it goes wherever a request
 * says, and remembers 256 destinations; `hosts-all`: ten thousand.
 */
export type BenchMode = 'http' | 'tcp' | 'tls' | 'routes' | 'refusing' | 'slow' | 'hosts' | 'hosts-all';

/** One workload: what the clients ask for, and what the upstream answers. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  readonly mode: BenchMode;
  /** Connections, each with one request under way. */
  readonly connections: number;
  /** Content of each request: none, or a POST with so many bytes. */
  readonly requestBytes: number;
  readonly path: string;
  /** Of every answer. */
  readonly status: number;
  /** Length of every answer's content; -1: whatever it is, and only its head says how long. */
  readonly bodyBytes: number;
  /** False: each request goes on a connection of its own. */
  readonly isKept: boolean;
  /** Requests a second, however the proxy keeps up: what counts is how long they take. null: as many as it can. */
  readonly perSecond: number | null;
}

/** The most common kind of call; a case says how it differs. */
export const usual = {
  mode: 'http',
  connections: 32,
  requestBytes: 0,
  path: '/items/42?expand=price',
  status: 200,
  bodyBytes: 128,
  isKept: true,
  perSecond: null,
} as const satisfies Partial<BenchCase>;

/** The same requests go through TCP proxies as through HTTP proxies: what differs is what the proxy sees in them. */
export const cases: readonly BenchCase[] = [
  { ...usual, name: 'keepalive', title: '128 B JSON' },
  { ...usual, name: 'body64k', title: '64 KiB JSON', bodyBytes: 64 * 1024 },
  { ...usual, name: 'post4k', title: 'POST of 4 KiB, kept for a retry', requestBytes: 4096 },
  { ...usual, name: 'short', title: '128 B on a connection of its own', connections: 16, isKept: false },
  { ...usual, name: 'routes', title: 'one of 1,000 routes', mode: 'routes', path: '/r500/items/42' },
  { ...usual, name: 'refusing', title: 'refused at once', mode: 'refusing', status: 503, bodyBytes: -1 },
  { ...usual, name: 'latency', title: '3,200 requests/s of 128 B', connections: 64, perSecond: 3200 },
  { ...usual, name: 'tls', title: '128 B JSON', mode: 'tls' },
  { ...usual, name: 'tcp-small', title: '128 B messages', mode: 'tcp' },
  {
    ...usual,
    name: 'tcp-bulk',
    title: '1 MiB messages',
    mode: 'tcp',
    connections: 8,
    bodyBytes: 1024 * 1024,
  },
  {
    ...usual,
    name: 'tcp-short',
    title: '128 B on a connection of its own',
    mode: 'tcp',
    connections: 16,
    isKept: false,
  },
];

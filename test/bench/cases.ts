/** What a proxy is set up as: each has a configuration of its own for every peer. `tls`: HTTP, with TLS to the upstream. */
export type BenchMode = 'http' | 'tcp' | 'tls';

/** One workload: what the clients ask for, and what the upstream answers. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  readonly mode: BenchMode;
  /** Connections, each with one request under way. */
  readonly connections: number;
  /** Length of every answer's content. */
  readonly bodyBytes: number;
  /** False: each request goes on a connection of its own. */
  readonly isKept: boolean;
}

/** The same requests go through TCP proxies as through HTTP proxies: what differs is what the proxy sees in them. */
export const cases: readonly BenchCase[] = [
  { name: 'keepalive', title: '128 B JSON', mode: 'http', connections: 32, bodyBytes: 128, isKept: true },
  {
    name: 'body64k',
    title: '64 KiB JSON',
    mode: 'http',
    connections: 32,
    bodyBytes: 64 * 1024,
    isKept: true,
  },
  { name: 'tls', title: '128 B JSON', mode: 'tls', connections: 32, bodyBytes: 128, isKept: true },
  { name: 'tcp-small', title: '128 B messages', mode: 'tcp', connections: 32, bodyBytes: 128, isKept: true },
  {
    name: 'tcp-bulk',
    title: '1 MiB messages',
    mode: 'tcp',
    connections: 8,
    bodyBytes: 1024 * 1024,
    isKept: true,
  },
  {
    name: 'tcp-short',
    title: '128 B on a connection of its own',
    mode: 'tcp',
    connections: 16,
    bodyBytes: 128,
    isKept: false,
  },
];

/** One workload: what the clients ask for, and what the upstream answers. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  /** Keep-alive connections, each with one request under way. */
  readonly connections: number;
  /** Length of every answer's content. */
  readonly bodyBytes: number;
}

export const cases: readonly BenchCase[] = [
  { name: 'keepalive', title: '128 B JSON', connections: 32, bodyBytes: 128 },
  { name: 'body64k', title: '64 KiB JSON', connections: 32, bodyBytes: 64 * 1024 },
];

import type { Address } from './sources.ts';

/** `10.0.0.1:80`, `[fd00::1]:80`, `name:80`, a service name or `unix:/path`: how an address is written in configuration, log and metrics. */
export const formatAddress = (address: Address): string => {
  if (address.kind === 'unix') return `unix:${address.path}`;
  if (address.port === 0) return address.host;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
};

/**
 * One address of an upstream and what is known of it. The balancer reads and writes the load and the passing-over; the
 * transport keeps its connections in `connections`.
 */
export class Endpoint {
  readonly address: Address;
  readonly label: string;
  /** Attempts in flight, and tunnels that are open. */
  inFlight = 0;
  /** Attempts that were sent here, and those of them that failed. */
  attempts = 0;
  failures = 0;
  /** Connect failures and early resets since the last answer. */
  consecutiveFailures = 0;
  /** How often it was passed over since the last answer: what the time doubles by. */
  timesPassedOver = 0;
  /** True while the one attempt runs that decides whether it is used again. */
  isOnTrial = false;
  /** Until when it is passed over while another is available, on the monotonic clock. */
  passedOverUntil = 0;
  /**
   * True once it is no longer in its upstream's set, or its upstream is closed: only exchanges that began before still
   * come to it, and it keeps no connections.
   */
  isRemoved = false;
  /** The transport's own: its pool of connections. */
  connections: { close(): void } | null = null;

  constructor(address: Address) {
    this.address = address;
    this.label = formatAddress(address);
  }
}

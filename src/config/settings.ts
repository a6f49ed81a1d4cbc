import type { WireLimits } from '../http1/limits.ts';
import type { PolicySettings } from '../policy/policies.ts';
import type { EndpointSource, PoolSettings, TlsSettings } from '../upstream/sources.ts';
import type { ReadFiles } from './config-file.ts';
import type { PolicyOrigins } from './policy-origins.ts';

/** An address to listen on. `host` is an IP literal or `localhost`, without brackets. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A name that the app calls an upstream by; `port` 0: any. `host` in lower case, without brackets. */
export interface HostName {
  readonly host: string;
  readonly port: number;
}

export interface RouteMatch {
  /** Empty: every method. */
  readonly methods: readonly string[];
  /** An exact path, or a prefix that ends in `/*` (which also matches the path before the slash). */
  readonly path: string;
}

export interface RouteSettings {
  readonly name: string;
  readonly match: RouteMatch;
  /** Merged key by key over the upstream's. */
  readonly policy: PolicySettings;
  /** True: the route wrote `bulkhead` and gets its own; else it shares the upstream's. */
  readonly hasOwnBulkhead: boolean;
}

export interface UpstreamSettings {
  readonly name: string;
  readonly protocol: 'http' | 'tcp';
  readonly hosts: readonly HostName[];
  /** A port of its own; null: none. */
  readonly listen: ListenAddress | null;
  readonly source: EndpointSource;
  /** Host to send upstream instead of what the app named; null: see the rules of forwarding. */
  readonly hostHeader: string | null;
  /** null: plain. */
  readonly tls: TlsSettings | null;
  /** Who speaks HTTP with it: our own wire, or undici. */
  readonly transport: 'native' | 'undici';
  readonly policy: PolicySettings;
  readonly pool: PoolSettings;
  readonly routes: readonly RouteSettings[];
}

export interface AdminSettings {
  readonly address: ListenAddress;
  /** null: none is asked for. Never printed. */
  readonly token: string | null;
  readonly probes: ListenAddress | null;
  /** Names beside the loopback ones that `Host` may carry, in lower case, without port. */
  readonly allowHosts: readonly string[];
  readonly maxStreams: { readonly hystrix: number; readonly all: number };
}

export interface EgressSettings {
  readonly address: ListenAddress;
  readonly unlisted: 'deny' | 'allow';
  /** Unlisted destinations that are remembered at the same time. */
  readonly maxUnlisted: number;
  readonly unlistedIdleMs: number;
  readonly maxConnections: number;
  readonly maxTunnels: number;
}

export interface LogSettings {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly format: 'json' | 'pretty';
  /** Which exchanges get a line. */
  readonly access: 'off' | 'errors' | 'sampled' | 'all';
  /** Share of the successful exchanges that `sampled` logs, 0–1. */
  readonly sampleRatio: number;
}

export interface DrainSettings {
  readonly deadlineMs: number;
  /** How long it must be quiet before the process ends. */
  readonly idleExitMs: number;
}

/** The whole effective configuration: parsed, merged, defaults filled in, never changed. */
export interface Settings {
  readonly admin: AdminSettings;
  readonly egress: EgressSettings;
  /** The policy of destinations that no upstream names. */
  readonly unlistedPolicy: PolicySettings;
  readonly unlistedPool: PoolSettings;
  readonly upstreams: readonly UpstreamSettings[];
  readonly limits: WireLimits;
  /** All replay records together, in bytes. */
  readonly replayBytes: number;
  readonly log: LogSettings;
  readonly drain: DrainSettings;
  /** What was read beside the configuration itself: bodies of fallbacks. By whole paths. */
  readonly bodyFiles: ReadFiles;
  /** Bodies and fields of fallbacks into which something from the environment was put: not to be shown to anybody. */
  readonly hiddenTexts: ReadonlySet<string>;
  /** Where the values of its policies were written. */
  readonly origins: PolicyOrigins;
}

/** What an upstream can be told beside its policies, after parsing. */

export interface PoolSettings {
  /** Connections to one endpoint, busy and idle together. */
  readonly connectionsPerEndpoint: number;
  /** How long an idle connection is kept. */
  readonly idleMs: number;
  /** Idle connections of one endpoint. */
  readonly maxIdle: number;
}

/** A protocol that may be agreed on in the handshake (ALPN, RFC 7301). */
export type AlpnProtocol = 'http/1.1' | 'h2';

/** How TLS to an upstream is spoken. There is no way not to verify the server. */
export interface TlsSettings {
  /** Whole paths. `ca` null: the roots of the system; `cert` and `key` null: no certificate of our own. */
  readonly files: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
  /** The name that is asked for and verified: a host name or an IP literal; null: the host that is dialled. */
  readonly serverName: string | null;
  readonly minVersion: '1.2' | '1.3';
  /** What is offered, the dearest first. */
  readonly alpn: readonly AlpnProtocol[];
}

/** An address as the configuration or a request names it. */
export type Address =
  /** `host` is an IP literal without brackets. */
  | { readonly kind: 'ip'; readonly host: string; readonly port: number }
  /** `host` is resolved when it is dialled. Port 0: a service name, whose SRV records say the port. */
  | { readonly kind: 'name'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Where an upstream's endpoints come from. */
export type EndpointSource =
  | { readonly kind: 'static'; readonly addresses: readonly Address[] }
  /** A declared name, resolved in the background. Port 0: a service name, whose SRV records say the port. */
  | { readonly kind: 'dns'; readonly host: string; readonly port: number }
  /** The authority that the app named is dialled. */
  | { readonly kind: 'named' };

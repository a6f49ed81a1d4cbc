/** What an upstream can be told beside its policies, after parsing. */

export interface PoolSettings {
  /** Connections to one endpoint, busy and idle together. */
  readonly connectionsPerEndpoint: number;
  /** How long an idle connection is kept. */
  readonly idleMs: number;
  /** Idle connections of one endpoint. */
  readonly maxIdle: number;
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

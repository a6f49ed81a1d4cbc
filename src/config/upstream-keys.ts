import { defaultsOf } from './fill-in.ts';
import { choice, listOf } from './kinds.ts';
import { policyKeys, routePolicyKeys } from './policy-keys.ts';
import { key, optional, required } from './rows.ts';
import {
  dnsName,
  endpointAddress,
  hostField,
  hostPattern,
  listenAddress,
  method,
  name,
  pathPattern,
} from './text-kinds.ts';
import { tlsKeys } from './tls-keys.ts';

/** Where an upstream does not say who speaks with it. */
export const defaultTransport = 'native';

/** What an upstream alone may say. */
export const upstreamKeys = {
  protocol: key(
    choice('http', 'tcp'),
    'http',
    'What the upstream speaks. `tcp` needs `listen`, and `endpoints` or `dns`.',
  ),
  hosts: optional(
    listOf(hostPattern, 'a list of `name` or `name:port`'),
    'its key',
    'Names that the app calls it by. The first is the `Host` that is sent from its own port.',
  ),
  listen: optional(listenAddress, 'none', 'A port of its own, on localhost as a rule.'),
  endpoints: optional(
    listOf(endpointAddress, `a list of ${endpointAddress.range}`, 1),
    'none',
    'Where it runs. With neither `endpoints` nor `dns`, what the app named is dialled.',
  ),
  dns: optional(
    dnsName,
    'none',
    'A name that is resolved in the background, and its port; or, without a port, a service (`_http._tcp.reviews.shop`) whose SRV records say hosts and ports. Asked for again when the answer has lived its time, between 1s and 30s. Not together with `endpoints`.',
  ),
  hostHeader: optional(hostField, 'what the app sent', 'The `Host` to send upstream.'),
  transport: key(
    choice('native', 'undici'),
    defaultTransport,
    'Who speaks HTTP/1.1 to it: our own wire, or undici, as a second opinion and a way out if ours should err. What is different then: decision 0026.',
  ),
  tls: tlsKeys,
  ...policyKeys,
};

/** What a route may say beside its policy. */
export const routeKeys = {
  name: required(name, 'Its command is called `upstream.name`.'),
  match: {
    methods: key(listOf(method, method.range), [], 'Methods; none written: every method.'),
    path: key(
      pathPattern,
      '/*',
      'An exact path, or a prefix that ends in `/*` and also matches the path before the slash. The longest wins.',
    ),
  },
  ...routePolicyKeys,
};

/** What a route matches that does not say: everything. */
export const defaultMatch = defaultsOf(routeKeys.match);

import { formatListenAddress, isWildcard } from '../config/addresses.ts';
import type { HostName, ListenAddress } from '../config/settings.ts';
import { javaOptions } from './java-options.ts';

/** Variables of a process. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** An upstream that can be called on a port of its own. */
export interface OwnPort {
  readonly upstream: string;
  readonly protocol: 'http' | 'tcp';
  readonly address: ListenAddress;
}

/** What the environment of a wrapped process is made from. */
export interface ChildEnvironmentParts {
  readonly env: Variables;
  readonly egress: ListenAddress;
  readonly admin: ListenAddress;
  readonly ownPorts: readonly OwnPort[];
  /** Every name that an upstream is called by. */
  readonly hosts: readonly HostName[];
}

/**
 * What is called without the proxy: the process's own machine, where our own ports are too, and where clouds give a
 * machine its identity (the sidecar refuses to go there for others).
 */
const directHosts = [
  '127.0.0.1',
  '::1',
  '169.254.169.254',
  '169.254.170.2',
  'metadata.google.internal',
] as const;

/** Variables that name a proxy; programs read them in capitals, in lower case, or in both. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'] as const;

const bothCases = (name: string): readonly string[] => [name, name.toLowerCase()];

/** As the process itself reaches a listener: one on all addresses is called on loopback. */
const asCalled = ({ host, port }: ListenAddress): ListenAddress => {
  if (!isWildcard(host)) return { host, port };
  return { host: host === '::' ? '::1' : '127.0.0.1', port };
};

/** Letters, digits and `_` are what every shell can say. */
export const upstreamVariable = (upstream: string): string =>
  `OUTRIGGER_UPSTREAM_${upstream.toUpperCase().replaceAll('-', '_')}`;

/** Upstreams whose variables would have the same name, in pairs. */
export const clashingUpstreams = (upstreams: readonly string[]): readonly (readonly [string, string])[] => {
  const first = new Map<string, string>();
  const clashes: (readonly [string, string])[] = [];
  for (const upstream of upstreams) {
    const name = upstreamVariable(upstream);
    const other = first.get(name);
    if (other === undefined) first.set(name, upstream);
    else clashes.push([other, upstream]);
  }
  return clashes;
};

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(/[\s,]+/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Hosts that the process calls directly, those that it called directly before first. */
export const directList = (env: Variables, hosts: readonly HostName[]): readonly string[] => {
  const given = bothCases('NO_PROXY').flatMap((name) => listOf(env[name]));
  // curl knows this only where nothing else is said.
  if (given.includes('*')) return ['*'];
  // Whoever calls an upstream by this name wants its calls to go through the proxy.
  const isLocalhostDirect = !hosts.some(({ host }) => host === 'localhost');
  return [...new Set([...given, ...(isLocalhostDirect ? ['localhost'] : []), ...directHosts])];
};

/** Variables that name another proxy than ours, to which the sidecar does not hand anything on. */
export const displacedProxies = (env: Variables): readonly string[] =>
  proxyVariables.flatMap(bothCases).filter((name) => (env[name] ?? '') !== '');

/**
 * The environment of a wrapped process: that of this one, in which the proxy variables of every common runtime lead to
 * the sidecar. What named another proxy is replaced: calls that go there would pass the sidecar by. Lists are extended.
 */
export const childEnvironment = (parts: ChildEnvironmentParts): Record<string, string> => {
  const { env, egress, admin, ownPorts, hosts } = parts;
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) variables[name] = value;
  const proxy = asCalled(egress);
  for (const name of proxyVariables.flatMap(bothCases)) {
    variables[name] = `http://${formatListenAddress(proxy)}`;
  }
  const direct = directList(env, hosts);
  for (const name of bothCases('NO_PROXY')) variables[name] = direct.join(',');
  variables['NODE_USE_ENV_PROXY'] = '1';
  variables['JAVA_TOOL_OPTIONS'] = javaOptions(env['JAVA_TOOL_OPTIONS'], proxy, direct);
  variables['OUTRIGGER_ADMIN'] = formatListenAddress(asCalled(admin));
  for (const { upstream, protocol, address } of ownPorts) {
    const target = formatListenAddress(asCalled(address));
    variables[upstreamVariable(upstream)] = protocol === 'tcp' ? target : `http://${target}`;
  }
  return variables;
};

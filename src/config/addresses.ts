import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Address } from '../upstream/sources.ts';
import type { HostName, ListenAddress } from './settings.ts';

/** A name to resolve; port 0: a service, whose records say the port. */
export interface DnsName {
  readonly host: string;
  readonly port: number;
}

interface HostAndPort {
  readonly host: string;
  /** null where none was written. */
  readonly port: number | null;
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Host names as in RFC 1123, and underscores, which container platforms allow. A last label of digits would be a mistyped address. */
const isHostName = (host: string): boolean => {
  if (host.length > 253) return false;
  const labels = host.split('.');
  return labels.every((each) => label.test(each)) && !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1)!);
};

/** One spelling for each IP address, so that addresses can be compared as text. */
const canonicalIp = (host: string): string => {
  if (isIPv4(host) || host.includes('%')) return host.toLowerCase();
  return new URL(`http://[${host}]`).hostname.slice(1, -1);
};

const normalHost = (host: string): string | null => {
  if (isIP(host) !== 0) return canonicalIp(host);
  const name = host.toLowerCase().replace(/\.$/, '');
  return isHostName(name) ? name : null;
};

const splitPort = (text: string): { host: string; port: string | null } | null => {
  if (text.startsWith('[')) {
    const match = /^\[([^\]]*)\](?::([0-9]*))?$/.exec(text);
    if (match === null || !isIPv6(match[1]!)) return null;
    return { host: match[1]!, port: match[2] ?? null };
  }
  if (isIPv6(text)) return { host: text, port: null };
  const match = /^([^:]*)(?::([0-9]*))?$/.exec(text);
  return match === null ? null : { host: match[1]!, port: match[2] ?? null };
};

const parseHostAndPort = (text: string): HostAndPort | null => {
  const split = splitPort(text);
  if (split === null) return null;
  const host = normalHost(split.host);
  if (host === null) return null;
  if (split.port === null) return { host, port: null };
  if (!/^[0-9]{1,5}$/.test(split.port) || Number(split.port) > 65_535) return null;
  return { host, port: Number(split.port) };
};

/** An IP literal or `localhost` with a port from 0 (any free one) to 65535; else null. */
export const parseListenAddress = (text: string): ListenAddress | null => {
  const parsed = parseHostAndPort(text);
  if (parsed === null || parsed.port === null) return null;
  if (parsed.host !== 'localhost' && isIP(parsed.host) === 0) return null;
  return { host: parsed.host, port: parsed.port };
};

/** A host name or an IP literal with a port from 1 to 65535; else null. */
export const parseTarget = (text: string): { readonly host: string; readonly port: number } | null => {
  const parsed = parseHostAndPort(text);
  if (parsed === null || parsed.port === null || parsed.port === 0) return null;
  return { host: parsed.host, port: parsed.port };
};

/** `_service._proto.name`, as RFC 2782 writes it. */
export const serviceName = /^_[^.:]+\._[^.:]+\.[^:]+$/;

/**
 * What is resolved in the background: a name and its port, or a service (`_http._tcp.name`, RFC 2782) without one, since
 * its records say the port; that is 0 then. Else what is wrong with it.
 */
export const parseDnsName = (text: string): DnsName | 'no name' | 'no port' | 'service with a port' => {
  const parsed = parseHostAndPort(text);
  if (parsed === null || parsed.port === 0) return 'no name';
  const isService = serviceName.test(parsed.host);
  if (parsed.port === null) return isService ? { host: parsed.host, port: 0 } : 'no port';
  return isService ? 'service with a port' : { host: parsed.host, port: parsed.port };
};

/** The same text again. */
export const formatDnsName = ({ host, port }: DnsName): string =>
  port === 0 ? host : `${bracketed(host)}:${port}`;

/** `10.0.0.1:80`, `[fd00::1]:80`, `name:80` or `unix:/absolute/path` (107 bytes at most, the kernel's limit); else null. */
export const parseEndpointAddress = (text: string): Address | null => {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    const isUsable = path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= 107;
    return isUsable ? { kind: 'unix', path } : null;
  }
  const target = parseTarget(text);
  if (target === null) return null;
  return { kind: isIP(target.host) === 0 ? 'name' : 'ip', ...target };
};

/** A name or an IP literal, with a port from 1 to 65535 or without (then 0: any); else null. */
export const parseHostPattern = (text: string): HostName | null => {
  const parsed = parseHostAndPort(text);
  if (parsed === null || parsed.port === 0) return null;
  return { host: parsed.host, port: parsed.port ?? 0 };
};

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** `127.0.0.1:7400`, `[::1]:7400` */
export const formatListenAddress = (address: ListenAddress): string =>
  `${bracketed(address.host)}:${address.port}`;

/** `reviews`, `reviews:8080`, `[::1]` */
export const formatHostName = (name: HostName): string =>
  name.port === 0 ? bracketed(name.host) : `${bracketed(name.host)}:${name.port}`;

// An IPv4 address that is written as IPv6 reaches the same listener.
const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
/** An IPv6 address that holds an IPv4 address, as the latter. */
export const withoutMapping = (host: string): string => {
  const match = mapped.exec(host);
  if (match === null) return host;
  const [high, low] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
};

/** True for 127.0.0.0/8, ::1 and `localhost`. */
export const isLoopback = (host: string): boolean => {
  const plain = withoutMapping(host);
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
};

/** True for the addresses that stand for all of the machine's. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

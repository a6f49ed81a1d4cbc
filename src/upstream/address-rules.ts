import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';

/** What kind of place an address is. */
export type AddressClass =
  | 'public'
  /** RFC 1918, RFC 6598 (shared), RFC 4193 (unique local), site-local. */
  | 'private'
  | 'loopback'
  | 'link_local'
  /** Where a cloud hands out credentials to the machine. */
  | 'metadata'
  | 'multicast'
  | 'broadcast'
  /** `0.0.0.0/8` and `::`: for a connecting socket another word for this machine. */
  | 'unspecified'
  /** Not an address. */
  | 'invalid';

/** An address by its number, in one spelling. */
export interface IpLiteral {
  /** Without brackets; IPv6 as RFC 5952 writes it. */
  readonly host: string;
  readonly family: 4 | 6;
}

/** Where one of our own listeners is bound: an IP literal without brackets, or `localhost`. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
}

/** An IPv4 address as a number, or the eight groups of an IPv6 address. */
type Parsed = number | readonly number[];

const parseIpv4 = (text: string): number => {
  let value = 0;
  for (const part of text.split('.')) value = value * 256 + Number(part);
  return value;
};

/** `text` has passed `isIPv6` and has no zone. */
const parseIpv6 = (text: string): readonly number[] => {
  const [before = '', after] = text.split('::');
  const head = parseGroups(before);
  if (after === undefined) return head;
  const tail = parseGroups(after);
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
};

const parseGroups = (text: string): number[] => {
  const groups: number[] = [];
  for (const part of text === '' ? [] : text.split(':')) {
    if (!part.includes('.')) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const value = parseIpv4(part);
    groups.push(Math.floor(value / 65_536), value % 65_536);
  }
  return groups;
};

/** Prefixes of 96 bits whose last 32 are an IPv4 address. */
const embeddings: readonly (readonly number[])[] = [
  // IPv4-mapped (RFC 4291, 2.5.5.2), the deprecated IPv4-compatible (2.5.5.1), IPv4-translated (RFC 2765, 2.1).
  [0, 0, 0, 0, 0, 0xffff],
  [0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0xffff, 0],
  // NAT64: the well-known prefix (RFC 6052, 2.1), and the one for local use (RFC 8215) read as a /96.
  [0x64, 0xff9b, 0, 0, 0, 0],
  [0x64, 0xff9b, 1, 0, 0, 0],
];

/** The IPv4 address that an IPv6 address stands for, or null. */
const embeddedIpv4 = (groups: readonly number[]): number | null => {
  const [first = 0, second = 0, third = 0] = groups;
  // 6to4 (RFC 3056, 2): the prefix carries the address.
  if (first === 0x2002) return second * 65_536 + third;
  if (!embeddings.some((prefix) => prefix.every((group, index) => group === groups[index]))) return null;
  const value = groups[6]! * 65_536 + groups[7]!;
  // `::` and `::1` are themselves, not the IPv4-compatible form of 0.0.0.0 and 0.0.0.1.
  return value <= 1 && first === 0 && groups[5] === 0 && groups[4] === 0 ? null : value;
};

/** By number; an IPv6 address that carries an IPv4 address is that address. null: not an address. */
const parseAddress = (text: string): Parsed | null => {
  if (isIPv4(text)) return parseIpv4(text);
  const withoutZone = text.split('%', 1)[0]!;
  if (!isIPv6(withoutZone)) return null;
  const groups = parseIpv6(withoutZone);
  return embeddedIpv4(groups) ?? groups;
};

const isInside = (value: number, network: string, prefixLength: number): boolean => {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(value / size) === Math.floor(parseIpv4(network) / size);
};

/** Amazon, Google, Azure, and most others; ECS tasks; EKS pods; Alibaba; Azure's wire server; Oracle. */
const metadataIpv4 = new Set(
  [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ].map(parseIpv4),
);

/** Amazon (the service, EKS pods), Google, Oracle, Scaleway. */
const metadataIpv6 = new Set(
  ['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:42::42'].map((text) =>
    parseIpv6(text).join(),
  ),
);

const ipv4Networks: readonly (readonly [string, number, AddressClass])[] = [
  ['0.0.0.0', 8, 'unspecified'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link_local'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['224.0.0.0', 4, 'multicast'],
  ['255.255.255.255', 32, 'broadcast'],
];

const classifyIpv4 = (value: number): AddressClass => {
  if (metadataIpv4.has(value)) return 'metadata';
  for (const [network, prefixLength, kind] of ipv4Networks) {
    if (isInside(value, network, prefixLength)) return kind;
  }
  return 'public';
};

const classifyIpv6 = (groups: readonly number[]): AddressClass => {
  if (metadataIpv6.has(groups.join())) return 'metadata';
  const first = groups[0]!;
  if (first >= 0xff00) return 'multicast';
  if (first >= 0xfec0) return 'private';
  if (first >= 0xfe80) return 'link_local';
  if (first >= 0xfc00 && first <= 0xfdff) return 'private';
  if (groups.slice(0, 7).some((group) => group !== 0)) return 'public';
  // Only `::` and `::1` are left: the others of ::/96 carry an IPv4 address.
  return groups[7] === 0 ? 'unspecified' : 'loopback';
};

/**
 * The kind of an IP literal without brackets, judged by its number: all spellings of an address get the same answer,
 * and an IPv6 address that carries an IPv4 address is judged as that one. A zone (`%eth0`) changes nothing.
 */
export const classifyAddress = (ip: string): AddressClass => {
  const address = parseAddress(ip);
  if (address === null) return 'invalid';
  return typeof address === 'number' ? classifyIpv4(address) : classifyIpv6(address);
};

/**
 * An IP literal without brackets in its canonical form, or null. IPv4 only as four decimal numbers (RFC 6943, 3.1.1
 * calls this the strict form), IPv6 without a zone.
 */
export const parseIpLiteral = (text: string): IpLiteral | null => {
  if (isIPv4(text)) return { host: text, family: 4 };
  if (!isIPv6(text) || text.includes('%')) return null;
  return { host: new SocketAddress({ address: text, family: 'ipv6' }).address, family: 6 };
};

/**
 * True for a host that is not a canonical IP literal but that lenient readers such as `inet_aton` take for IPv4: one
 * number, hexadecimal, octal or too few parts, a dot at the end. Its last label is a number, which no name in DNS has
 * (the same test as the "ends in a number checker" of the URL standard). Such a host is refused, never resolved.
 */
export const looksLikeNumericHost = (host: string): boolean => {
  if (parseIpLiteral(host) !== null) return false;
  const labels = host.split('.');
  if (labels.length > 1 && labels.at(-1) === '') labels.pop();
  return /^(?:\d+|0x[\da-f]*)$/i.test(labels.at(-1)!);
};

const isThisMachine = (ip: string): boolean => {
  if (classifyAddress(ip) === 'loopback') return true;
  const wanted = String(parseAddress(ip));
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      if (String(parseAddress(address)) === wanted) return true;
    }
  }
  return false;
};

const reaches = (ip: string, listener: ListenerAddress): boolean => {
  if (listener.host === 'localhost') return classifyAddress(ip) === 'loopback';
  if (listener.host === '::') return isThisMachine(ip);
  if (listener.host === '0.0.0.0') return typeof parseAddress(ip) === 'number' && isThisMachine(ip);
  return String(parseAddress(ip)) === String(parseAddress(listener.host));
};

/** True when a connection to this address would arrive at one of `listeners`: at ourselves. */
export const isOwnListener = (listeners: readonly ListenerAddress[], ip: string, port: number): boolean =>
  listeners.some((listener) => listener.port === port && reaches(ip, listener));

/** Why an address of each of these kinds is never dialled for a destination that no upstream names. */
const prohibitions: Partial<Record<AddressClass, string>> = {
  link_local: 'link-local address',
  metadata: 'cloud metadata address',
  multicast: 'multicast address',
  broadcast: 'broadcast address',
  unspecified: 'unspecified address',
  invalid: 'not an address',
};

/**
 * Which addresses may be dialled for destinations that the app named and the configuration does not. Asked with the
 * resolved address, about the very connection that is then opened: a name cannot change its mind in between.
 */
export class UnlistedRules {
  readonly #ownListeners: () => readonly ListenerAddress[];

  /** `ownListeners` is asked every time, so that a reload may change it. */
  constructor(ownListeners: () => readonly ListenerAddress[]) {
    this.#ownListeners = ownListeners;
  }

  /** null: may be dialled. Else why not, in a few words. */
  check(ip: string, port: number): string | null {
    const prohibition = prohibitions[classifyAddress(ip)];
    if (prohibition !== undefined) return prohibition;
    return isOwnListener(this.#ownListeners(), ip, port) ? 'own listener' : null;
  }
}

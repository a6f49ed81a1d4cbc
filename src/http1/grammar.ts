/**
 * Byte classes of HTTP/1.1 (RFC 9110 section 5, RFC 9112 sections 2 to 5) as one table of bit flags, and the few bytes
 * that the scanners name.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** tchar: what a token (method, field name) is made of. */
export const TOKEN = 1;
/** What a field value may hold: visible characters, space, tab and obs-text. */
export const FIELD_TEXT = 2;
/** What a request target may hold: visible ASCII but `#`, since a fragment is never sent. */
export const TARGET = 4;
/** Letters, digits and `-._~`: what a name in an authority is made of. Percent signs and sub-delims are not taken. */
const HOST = 8;
export const HEX = 16;
/** A token character that may stand in the name of a request's field: without `_`, which CGI-like servers read as `-`. */
export const REQUEST_FIELD_NAME = 64;
/** What a version may be spelled with: enough to tell garbage from a version that is not ours. */
export const VERSION = 128;

/** What may stand around a field's value. */
export const isBlank = (byte: number): boolean => byte === SP || byte === HTAB;

const isAlpha = (byte: number): boolean => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

const classOf = (byte: number): number => {
  const char = String.fromCharCode(byte);
  const isVisible = byte > 0x20 && byte < 0x7f;
  const isToken = isAlpha(byte) || isDigit(byte) || (isVisible && "!#$%&'*+-.^_`|~".includes(char));
  let flags = 0;
  if (isToken) flags |= TOKEN;
  if (isToken && char !== '_') flags |= REQUEST_FIELD_NAME;
  if (isVisible || byte >= 0x80 || byte === SP || byte === HTAB) flags |= FIELD_TEXT;
  if (isVisible && char !== '#') flags |= TARGET;
  if (isAlpha(byte) || isDigit(byte) || (isVisible && '-._~'.includes(char))) flags |= HOST;
  if (isDigit(byte) || (isVisible && 'abcdefABCDEF'.includes(char))) flags |= HEX;
  if (isDigit(byte) || (isVisible && 'HTP/.'.includes(char))) flags |= VERSION;
  return flags;
};

/** Flags of every byte. */
export const CLASS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));

/** Value of a hexadecimal digit that {@link HEX} has let through. */
export const hexValue = (byte: number): number => (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);

/**
 * A host and port as an authority names them. `host` is in lower case, without a final dot; IPv6 in its one canonical
 * spelling, without brackets.
 */
export interface Authority {
  readonly host: string;
  /** 0: none was written. */
  readonly port: number;
}

const MAX_HOST = 255;

/**
 * Reads `uri-host [":" port]` (RFC 9112 section 3.2, RFC 3986 section 3.2.2); null for anything else, for userinfo,
 * percent-encoding, zone identifiers, an empty host, and a port of 0 or over 65535.
 */
export const parseAuthority = (text: string): Authority | null => {
  if (text.length === 0 || text.length > MAX_HOST + 8) return null;
  let host: string;
  let rest: string;
  if (text.charCodeAt(0) === 0x5b) {
    const close = text.indexOf(']');
    if (close < 0) return null;
    const canonical = canonicalIpv6(text.slice(1, close));
    if (canonical === null) return null;
    host = canonical;
    rest = text.slice(close + 1);
  } else {
    const colon = text.indexOf(':');
    host = colon < 0 ? text : text.slice(0, colon);
    rest = colon < 0 ? '' : text.slice(colon);
    if (host.length > 1 && host.endsWith('.')) host = host.slice(0, -1);
    if (!isHostName(host)) return null;
  }
  const port = rest === '' ? 0 : parsePort(rest);
  return port < 0 ? null : { host: host.toLowerCase(), port };
};

const isHostName = (host: string): boolean => {
  if (host.length === 0 || host.length > MAX_HOST) return false;
  for (let i = 0; i < host.length; i += 1) {
    const code = host.charCodeAt(i);
    if (code > 0x7f || (CLASS[code]! & HOST) === 0) return false;
  }
  return host.charCodeAt(0) !== 0x2e;
};

/** The one spelling of an IPv6 address, so that two spellings name one destination; null where it is none. */
const canonicalIpv6 = (host: string): string | null => {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(host) || !host.includes(':')) return null;
  return URL.parse(`http://[${host}]/`)?.hostname.slice(1, -1) ?? null;
};

/** `:80` → 80; -1 for anything but a colon and a port from 1 to 65535. */
const parsePort = (text: string): number => {
  if (text.length < 2 || text.length > 6 || text.charCodeAt(0) !== COLON) return -1;
  let port = 0;
  for (let i = 1; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return -1;
    port = port * 10 + (code - 0x30);
  }
  return port >= 1 && port <= 65535 ? port : -1;
};

/** Writes an authority; brackets around IPv6, the port only where there is one. */
export const formatAuthority = (authority: Authority): string => {
  const host = authority.host.includes(':') ? `[${authority.host}]` : authority.host;
  return authority.port === 0 ? host : `${host}:${authority.port}`;
};

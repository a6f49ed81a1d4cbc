import * as v from 'valibot';
import type { RetryCondition, StatusRange } from '../policy/policies.ts';
import type { Address } from '../upstream/sources.ts';
import {
  type DnsName,
  formatDnsName,
  formatHostName,
  formatListenAddress,
  parseDnsName,
  parseEndpointAddress,
  parseHostPattern,
  parseListenAddress,
  serviceName,
} from './addresses.ts';
import { fallbackWords } from './fallback-words.ts';
import { type JsonSchema, type Kind, leaf, mapping, oneOfForms, Refusal, text, textForm } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import { quote } from './problem.ts';
import type { HostName, ListenAddress } from './settings.ts';
import { formatStatusRange, parseStatusRange, rangePattern } from './units.ts';
import { scalarText } from './value-hints.ts';

/** `host:port`, with brackets where the host has colons itself. */
const hostAndPort = /^(?:\[[^\]]+\]|[^:[\]]+):[0-9]{1,5}$/;

/** Where to listen. */
export const listenAddress: Kind<ListenAddress> = text(
  'an IP address or `localhost`, with a port; port 0: any free one',
  (value) =>
    parseListenAddress(value) ??
    new Refusal(
      'is not an address to listen on',
      /^:?[0-9]{1,5}$/.test(value)
        ? `write 127.0.0.1:${value.replace(':', '')}`
        : 'an IP address or localhost with a port, such as 127.0.0.1:7400 or "[::1]:7400"',
    ),
  { write: formatListenAddress, form: hostAndPort },
);

/** For a URL the address in it, which is what was meant. */
const endpointHint = (value: string): string => {
  const [, tls, address] = /^http(s?):\/\/([^/?#@]+)\/?$/.exec(value) ?? [];
  if (address === undefined || parseEndpointAddress(address) === null)
    return 'such as 10.1.0.4:9080, "[fd00::5]:9080" or unix:/run/reviews.sock';
  return `write ${address.startsWith('[') ? quote(address) : address}${tls === '' ? '' : ', and tls: {} beside endpoints'}`;
};

/** What can be dialled. */
export const endpointAddress: Kind<Address> = text(
  '`10.0.0.4:80`, `"[fd00::4]:80"`, `name:80` or `unix:/path`',
  (value) => parseEndpointAddress(value) ?? new Refusal('is not an address with a port', endpointHint(value)),
  {
    write: (address) => (address.kind === 'unix' ? `unix:${address.path}` : formatListenAddress(address)),
    form: new RegExp(`^unix:/|${hostAndPort.source}`),
  },
);

const dnsHint =
  'a name with its port, such as reviews.shop.svc.cluster.local:9080, or a service, whose SRV records say the port, ' +
  'such as _http._tcp.reviews.shop.svc.cluster.local';

/** A name to resolve and the port to dial, or a service. */
export const dnsName: Kind<DnsName> = text(
  '`name:port`, or `_service._proto.name`',
  (value) => {
    const parsed = parseDnsName(value);
    switch (parsed) {
      case 'no name':
        return new Refusal('is not a name with a port', dnsHint);
      case 'no port':
        return new Refusal('has no port', dnsHint);
      case 'service with a port':
        return new Refusal('is a service, and its SRV records say the port', 'leave the port out');
      default:
        return parsed;
    }
  },
  { write: formatDnsName, form: new RegExp(`${hostAndPort.source}|${serviceName.source}`) },
);

/** A name that an app calls an upstream by. */
export const hostPattern: Kind<HostName> = text(
  '`name` or `name:port`',
  (value) =>
    parseHostPattern(value) ??
    new Refusal('is not a host name', 'a name or an IP address, with or without a port'),
  { write: formatHostName },
);

/** A host name without a port. */
export const plainHost: Kind<string> = text('a host name without a port', (value) => {
  const parsed = parseHostPattern(value);
  if (parsed !== null && parsed.port === 0) return parsed.host;
  return new Refusal('is not a host name', 'without a port');
});

/** A `Host` field, spelled as it is to be sent. */
export const hostField: Kind<string> = text('`name` or `name:port`', (value) =>
  parseHostPattern(value) === null ? new Refusal('is not a host name') : value,
);

const token = /^[\x21-\x7e]{8,512}$/;

/**
 * A bearer token (RFC 6750, section 2.1): it has to pass through a header field. What was written is in no message.
 */
export const secret: Kind<string> = leaf({
  range: 'visible ASCII characters, 8 to 512 of them',
  json: textForm(token),
  parse: (value) =>
    typeof value === 'string' && token.test(value)
      ? value
      : new Refusal('is not a usable token', 'text of 8 to 512 visible ASCII characters, without spaces'),
  write: () => '<redacted>',
  takesText: true,
  isSecret: true,
});

/** What a name is made of. */
export const namePattern = /^[A-Za-z0-9_-]{1,63}$/;
/** `unlisted` is the metric label of destinations without a name; the others mean something in JavaScript. */
export const reservedNames: readonly string[] = ['unlisted', ...Object.getOwnPropertyNames(Object.prototype)];

/** A name that appears in streams and metric labels. */
export const name: Kind<string> = text(
  'letters, digits, `_` and `-`, at most 63',
  (value) => {
    if (!namePattern.test(value))
      return new Refusal('is not a usable name', 'letters, digits, _ and -, at most 63 of them');
    return reservedNames.includes(value) ? new Refusal('is a reserved name', 'take another one') : value;
  },
  { json: oneOfForms({ type: 'string', pattern: namePattern.source, not: { enum: reservedNames } }) },
);

const methodPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/;

/** A method token (RFC 9110, section 5.6.2). Case counts. */
export const method: Kind<string> = text(
  'method names',
  (value) => {
    if (!methodPattern.test(value)) return new Refusal('is not a method');
    const capitals = value.toUpperCase();
    return value === capitals ? value : new Refusal('is not in capitals', `write ${capitals}`);
  },
  { form: methodPattern },
);

const protocolPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/;

/** A protocol of the Upgrade field (RFC 9110, section 7.8), in lower case: it is compared without regard to case. */
export const upgradeProtocol: Kind<string> = text(
  'protocol names such as `websocket`',
  (value) => {
    if (!protocolPattern.test(value)) return new Refusal('is not the name of a protocol');
    const name = value.toLowerCase();
    if (name !== 'h2c' && name !== 'h2' && !name.startsWith('http/')) return name;
    return new Refusal('is HTTP, which is never switched to here', 'leave it out');
  },
  { form: protocolPattern },
);

const cleanPath = /^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/;

/** An exact path or a prefix that ends in a star. */
export const pathPattern: Kind<string> = text(
  '`/exact/path` or `/prefix/*`',
  (value) => {
    if (!cleanPath.test(value)) return new Refusal('is not a path', 'it starts with / and has no query');
    const star = value.indexOf('*');
    const isPrefix = star === value.length - 1 && value.endsWith('/*');
    if (star === -1 || isPrefix) return value;
    return new Refusal('has a star in the wrong place', 'only at the end, as in /ratings/*');
  },
  { form: cleanPath },
);

const statusForms: readonly JsonSchema[] = [
  { type: 'integer', minimum: 100, maximum: 599 },
  { type: 'string', pattern: rangePattern.source },
];

/** `404` or `500-599`. */
export const statusRange: Kind<StatusRange> = leaf({
  range: 'statuses and ranges of them, such as `404` or `500-599`',
  json: oneOfForms(...statusForms),
  parse: (value) =>
    parseStatusRange(scalarText(value)) ??
    new Refusal('is not a status or a range of them', 'such as 404 or 500-599'),
  write: formatStatusRange,
});

const retryWords = ['connect-failure', 'reset', 'timeout'] as const;

/** A word of `retry.on`, or a status. */
export const retryCondition: Kind<RetryCondition> = leaf({
  range: '`connect-failure`, `reset`, `timeout`, statuses',
  json: oneOfForms({ enum: retryWords }, ...statusForms),
  parse: (value) => {
    const word = retryWords.find((each) => each === value);
    if (word !== undefined) return word;
    const range = parseStatusRange(scalarText(value));
    if (range !== null && range.from === range.to) return range.from;
    if (range !== null || /^[1-5]xx$/i.test(scalarText(value))) {
      return new Refusal('is more than one status', 'write each one, such as 502, 503, 504');
    }
    const hint = typeof value === 'string' ? didYouMean(value, retryWords) : '';
    return new Refusal('is neither a condition nor a status', hint);
  },
});

/** A word of `fallback.on`. */
export const fallbackWord: Kind<string> = text(
  'reasons, or the groups `timeout` and `connect-failure`',
  (value) =>
    fallbackWords.includes(value)
      ? value
      : new Refusal('is not a reason for a fallback', didYouMean(value, fallbackWords)),
  { json: oneOfForms({ enum: fallbackWords }) },
);

/** Fields that say how a message is framed or how long its connection lives: those are ours to write. */
const framingFields: ReadonlySet<string> = new Set(
  (
    'connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade date via ' +
    'proxy-status'
  ).split(' '),
);

const fieldNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

const fieldName = v.rawCheck<string>(({ dataset, addIssue }) => {
  const field = String(dataset.value);
  if (!fieldNamePattern.test(field)) {
    addIssue({ message: `${quote(field)} is not a field name` });
  } else if (framingFields.has(field.toLowerCase())) {
    addIssue({
      message: `the field ${quote(field)} is written by the proxy itself`,
      expected: 'leave it out',
    });
  }
});

const fieldValuePattern = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

const fieldValue: Kind<string> = text(
  '',
  (value) =>
    fieldValuePattern.test(value)
      ? value
      : new Refusal('is not a field value', 'no control characters, line ends or spaces around it'),
  { form: fieldValuePattern, isSecret: true },
);

/** Header fields by name. */
export const headerFields: Kind<Readonly<Record<string, string>>> = {
  schema: v.pipe(mapping, v.record(v.pipe(v.string(), fieldName), fieldValue.schema)),
  write: (fields) => ({ ...fields }),
  range: 'field names with their values',
  json: {
    type: 'object',
    propertyNames: { pattern: fieldNamePattern.source },
    additionalProperties: fieldValue.json,
  },
};

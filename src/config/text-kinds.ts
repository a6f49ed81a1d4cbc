import * as v from 'valibot';
import type { RetryCondition, StatusRange } from '../policy/policies.ts';
import type { Address } from '../upstream/sources.ts';
import {
  formatHostName,
  formatListenAddress,
  parseEndpointAddress,
  parseHostPattern,
  parseListenAddress,
  parseTarget,
} from './addresses.ts';
import { fallbackWords } from './fallback-words.ts';
import { type Kind, leaf, Refusal, text } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import { quote } from './problem.ts';
import type { HostName, ListenAddress } from './settings.ts';
import { formatStatusRange, parseStatusRange } from './units.ts';

/** Where to listen. */
export const listenAddress: Kind<ListenAddress> = text(
  'an IP address or `localhost`, with a port; port 0: any free one',
  (value) =>
    parseListenAddress(value) ??
    new Refusal(
      `${quote(value)} is not an address to listen on`,
      'an IP address or localhost with a port, such as 127.0.0.1:7400 or "[::1]:7400"',
    ),
  formatListenAddress,
);

/** What can be dialled. */
export const endpointAddress: Kind<Address> = text(
  '`10.0.0.4:80`, `"[fd00::4]:80"`, `name:80` or `unix:/path`',
  (value) =>
    parseEndpointAddress(value) ??
    new Refusal(
      `${quote(value)} is not an address with a port`,
      'such as 10.1.0.4:9080, "[fd00::5]:9080" or unix:/run/reviews.sock',
    ),
  (address) => (address.kind === 'unix' ? `unix:${address.path}` : formatListenAddress(address)),
);

/** A name to resolve and the port to dial. */
export const target: Kind<{ readonly host: string; readonly port: number }> = text(
  '`name:port`',
  (value) =>
    parseTarget(value) ??
    new Refusal(`${quote(value)} is not a name with a port`, 'such as reviews.shop.svc.cluster.local:9080'),
  formatListenAddress,
);

/** A name that an app calls an upstream by. */
export const hostPattern: Kind<HostName> = text(
  '`name` or `name:port`',
  (value) =>
    parseHostPattern(value) ??
    new Refusal(`${quote(value)} is not a host name`, 'a name or an IP address, with or without a port'),
  formatHostName,
);

/** A host name without a port. */
export const plainHost: Kind<string> = text('a host name without a port', (value) => {
  const parsed = parseHostPattern(value);
  if (parsed !== null && parsed.port === 0) return parsed.host;
  return new Refusal(`${quote(value)} is not a host name`, 'without a port');
});

/** A `Host` field, spelled as it is to be sent. */
export const hostField: Kind<string> = text('`name` or `name:port`', (value) =>
  parseHostPattern(value) === null ? new Refusal(`${quote(value)} is not a host name`) : value,
);

/**
 * A bearer token (RFC 6750, section 2.1): it has to pass through a header field. What was written is in no message.
 */
export const secret: Kind<string> = leaf(
  'visible ASCII characters, 8 to 512 of them',
  (value) =>
    typeof value === 'string' && /^[\x21-\x7e]{8,512}$/.test(value)
      ? value
      : new Refusal('is not a usable token', 'text of 8 to 512 visible ASCII characters, without spaces'),
  () => '<redacted>',
  true,
);

/** A name that appears in streams and metric labels. */
export const name: Kind<string> = text('letters, digits, `_` and `-`, at most 63', (value) => {
  if (!/^[A-Za-z0-9_-]{1,63}$/.test(value)) {
    return new Refusal(
      `${quote(value)} is not a usable name`,
      'letters, digits, _ and -, at most 63 of them',
    );
  }
  // `unlisted` is the metric label of destinations without a name; the others mean something in JavaScript.
  if (value === 'unlisted' || value in {}) return new Refusal(`the name ${quote(value)} is reserved`);
  return value;
});

/** A method token (RFC 9110, section 5.6.2). Case counts. */
export const method: Kind<string> = text('method names', (value) => {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(value))
    return new Refusal(`${quote(value)} is not a method`);
  if (value !== value.toUpperCase()) {
    return new Refusal(`the method ${quote(value)} is not in capitals`, `write ${value.toUpperCase()}`);
  }
  return value;
});

/** An exact path or a prefix that ends in a star. */
export const pathPattern: Kind<string> = text('`/exact/path` or `/prefix/*`', (value) => {
  const isClean = /^\/[\x21-\x7e]*$/.test(value) && !/[?#]/.test(value);
  if (!isClean) return new Refusal(`${quote(value)} is not a path`, 'it starts with / and has no query');
  const star = value.indexOf('*');
  const isPrefix = star === value.length - 1 && value.endsWith('/*');
  if (star !== -1 && !isPrefix) {
    return new Refusal(`${quote(value)} has a star in the wrong place`, 'only at the end, as in /ratings/*');
  }
  return value;
});

/** `404` or `500-599`. */
export const statusRange: Kind<StatusRange> = leaf(
  'statuses and ranges of them, such as `404` or `500-599`',
  (value) =>
    parseStatusRange(String(value)) ??
    new Refusal(`${quote(value)} is not a status or a range of them`, 'such as 404 or 500-599'),
  formatStatusRange,
);

const retryWords = ['connect-failure', 'reset', 'timeout'] as const;

/** A word of `retry.on`, or a status. */
export const retryCondition: Kind<RetryCondition> = leaf(
  '`connect-failure`, `reset`, `timeout`, statuses',
  (value) => {
    const word = retryWords.find((each) => each === value);
    if (word !== undefined) return word;
    const range = parseStatusRange(String(value));
    if (range !== null && range.from === range.to) return range.from;
    const hint = typeof value === 'string' ? didYouMean(value, retryWords) : '';
    return new Refusal(`${quote(value)} is neither a condition nor a status`, hint);
  },
);

/** A word of `fallback.on`. */
export const fallbackWord: Kind<string> = text(
  'reasons, or the groups `timeout` and `connect-failure`',
  (value) =>
    fallbackWords.includes(value)
      ? value
      : new Refusal(`${quote(value)} is not a reason for a fallback`, didYouMean(value, fallbackWords)),
);

/** Fields that say how a message is framed or how long its connection lives: those are ours to write. */
const framingFields: ReadonlySet<string> = new Set(
  (
    'connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade date via ' +
    'proxy-status'
  ).split(' '),
);

const fieldName = v.rawCheck<string>(({ dataset, addIssue }) => {
  const field = String(dataset.value);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(field)) {
    addIssue({ message: `${quote(field)} is not a field name` });
  } else if (framingFields.has(field.toLowerCase())) {
    addIssue({
      message: `the field ${quote(field)} is written by the proxy itself`,
      expected: 'leave it out',
    });
  }
});

const fieldValue: Kind<string> = text('', (value) =>
  /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(value)
    ? value
    : new Refusal('is not a field value', 'no control characters, line ends or spaces around it'),
);

/** Header fields by name. */
export const headerFields: Kind<Readonly<Record<string, string>>> = {
  schema: v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === null,
      'is not a mapping',
    ),
    v.record(v.pipe(v.string(), fieldName), fieldValue.schema),
  ),
  write: (fields) => ({ ...fields }),
  range: 'field names with their values',
};

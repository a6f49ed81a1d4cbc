/** The fields that the proxy itself reads or treats; all others are `other` and pass through. */
export const Field = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  trailer: 8,
  upgrade: 9,
  http2Settings: 10,
  proxyAuthorization: 11,
  proxyAuthenticate: 12,
  proxyAuthenticationInfo: 13,
  expect: 14,
  via: 15,
  maxForwards: 16,
  idempotencyKey: 17,
  requestId: 18,
  traceparent: 19,
  retryAfter: 20,
  attempt: 21,
  earlyData: 22,
} as const;

interface KnownField {
  readonly name: string;
  /** The name's first byte: nearly all other names of this length differ in it. */
  readonly first: number;
  readonly id: number;
}

const byLength: (readonly KnownField[])[] = [];

for (const [name, id] of [
  ['host', Field.host],
  ['content-length', Field.contentLength],
  ['transfer-encoding', Field.transferEncoding],
  ['connection', Field.connection],
  ['keep-alive', Field.keepAlive],
  ['proxy-connection', Field.proxyConnection],
  ['te', Field.te],
  ['trailer', Field.trailer],
  ['upgrade', Field.upgrade],
  ['http2-settings', Field.http2Settings],
  ['proxy-authorization', Field.proxyAuthorization],
  ['proxy-authenticate', Field.proxyAuthenticate],
  ['proxy-authentication-info', Field.proxyAuthenticationInfo],
  ['expect', Field.expect],
  ['via', Field.via],
  ['max-forwards', Field.maxForwards],
  ['idempotency-key', Field.idempotencyKey],
  ['x-request-id', Field.requestId],
  ['traceparent', Field.traceparent],
  ['retry-after', Field.retryAfter],
  ['x-outrigger-attempt', Field.attempt],
  ['early-data', Field.earlyData],
] as const) {
  const row = byLength[name.length] ?? [];
  byLength[name.length] = [...row, { name, first: name.charCodeAt(0), id }];
}

/** Which field the name between `start` and `end` is, whatever its case. */
const identify = (bytes: Uint8Array, start: number, end: number): number => {
  const candidates = byLength[end - start];
  if (candidates === undefined) return Field.other;
  const first = bytes[start]! | 0x20;
  for (let i = 0; i < candidates.length; i += 1) {
    const candidate = candidates[i]!;
    if (candidate.first === first && spells(bytes, start, candidate.name)) return candidate.id;
  }
  return Field.other;
};

const spells = (bytes: Uint8Array, start: number, name: string): boolean => {
  for (let i = 0; i < name.length; i += 1) {
    const byte = bytes[start + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
};

const MARKS = 4;
const FIRST_CAPACITY = 24;

/**
 * The fields of one field section as offsets from the beginning of its message. Made once per connection and filled
 * again for each message; it grows to what a message needs, up to the limit that the scanner watches.
 */
export class FieldTable {
  count = 0;
  #marks = new Int32Array(FIRST_CAPACITY * MARKS);
  #ids = new Uint8Array(FIRST_CAPACITY);

  clear(): void {
    this.count = 0;
  }

  /** Takes in a field. Offsets count from `base`; the value is without the white space around it. */
  add(
    bytes: Uint8Array,
    base: number,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (this.count === this.#ids.length) this.#grow();
    const at = this.count * MARKS;
    this.#marks[at] = nameStart;
    this.#marks[at + 1] = nameEnd;
    this.#marks[at + 2] = valueStart;
    this.#marks[at + 3] = valueEnd;
    this.#ids[this.count] = identify(bytes, base + nameStart, base + nameEnd);
    this.count += 1;
  }

  /** One of {@link Field}. */
  id(index: number): number {
    return this.#ids[index]!;
  }

  nameStart(index: number): number {
    return this.#marks[index * MARKS]!;
  }

  nameEnd(index: number): number {
    return this.#marks[index * MARKS + 1]!;
  }

  valueStart(index: number): number {
    return this.#marks[index * MARKS + 2]!;
  }

  valueEnd(index: number): number {
    return this.#marks[index * MARKS + 3]!;
  }

  #grow(): void {
    const marks = new Int32Array(this.#marks.length * 2);
    marks.set(this.#marks);
    this.#marks = marks;
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
  }
}

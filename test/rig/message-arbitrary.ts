import fc from 'fast-check';

/** A field as it is meant, and as it is written. */
interface WrittenField {
  readonly name: string;
  readonly value: string;
  readonly before: string;
  readonly after: string;
}

/** A message and what it means. */
export interface Written {
  readonly bytes: Buffer;
  readonly startLine: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
}

const from = (characters: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });

const token = from("!#$%&'*+-.^`|~019azAZ", 1, 12);
const valueCharacters = ' \t!"#,;:=/?()aZ9~\xa0\xff';
const blanks = from(' \t', 0, 3);

/** Names with an X- in front stay clear of those that mean something to the wire. */
const field: fc.Arbitrary<WrittenField> = fc.record({
  name: token.map((name) => `X-${name}`),
  value: from(valueCharacters, 0, 30).map((value) => value.replace(/^[ \t]+|[ \t]+$/g, '')),
  before: blanks,
  after: blanks,
});

const written = (fields: readonly WrittenField[]): string =>
  fields.map(({ name, value, before, after }) => `${name}:${before}${value}${after}\r\n`).join('');

const meant = (fields: readonly WrittenField[]): (readonly [string, string])[] =>
  fields.map(({ name, value }) => [name, value] as const);

const content = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

const chunk = fc.record({
  data: fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  zeros: fc.integer({ min: 0, max: 3 }),
  isUpper: fc.boolean(),
  extension: fc.constantFrom('', ';a', ';a=b', ';a="b c"', ';x=1;y'),
});

interface Payload {
  readonly framing: string;
  readonly wire: Buffer;
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
}

const counted: fc.Arbitrary<Payload> = content.map((body) => ({
  framing: `Content-Length: ${body.length}\r\n`,
  wire: body,
  body,
  trailers: [],
}));

const chunked: fc.Arbitrary<Payload> = fc
  .record({ chunks: fc.array(chunk, { maxLength: 5 }), trailers: fc.array(field, { maxLength: 3 }) })
  .map(({ chunks, trailers }) => {
    const parts = chunks.flatMap(({ data, zeros, isUpper, extension }) => {
      const digits = '0'.repeat(zeros) + data.length.toString(16);
      const size = isUpper ? digits.toUpperCase() : digits;
      return [Buffer.from(`${size}${extension}\r\n`), data, Buffer.from('\r\n')];
    });
    const end = Buffer.from(`0\r\n${written(trailers)}\r\n`, 'latin1');
    return {
      framing: 'Transfer-Encoding: chunked\r\n',
      wire: Buffer.concat([...parts, end]),
      body: Buffer.concat(chunks.map(({ data }) => data)),
      trailers: meant(trailers),
    };
  });

const nothing: fc.Arbitrary<Payload> = fc.constant({
  framing: '',
  wire: Buffer.alloc(0),
  body: Buffer.alloc(0),
  trailers: [],
});

const compose = (
  startLine: string,
  lines: string,
  fields: readonly WrittenField[],
  payload: Payload,
): Written => {
  const head = `${startLine}\r\n${lines}${written(fields)}${payload.framing}\r\n`;
  const fixed = (lines + payload.framing)
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => line.split(': ') as [string, string]);
  const host = fixed.filter(([name]) => name === 'Host');
  const framing = fixed.filter(([name]) => name !== 'Host');
  return {
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), payload.wire]),
    startLine,
    fields: [...host, ...meant(fields), ...framing],
    body: payload.body,
    trailers: payload.trailers,
  };
};

const path = from("/az09-._~!$&'()*+,;=:@%20?", 0, 30).map((rest) => `/${rest.replaceAll('%', '%25')}`);

/** A request that every reader of HTTP/1.1 must take, to `u.test`. */
export const wellFormedRequest: fc.Arbitrary<Written> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'REPORT'),
    path,
    isAbsolute: fc.boolean(),
    fields: fc.array(field, { maxLength: 8 }),
    payload: fc.oneof(nothing, counted, chunked),
  })
  .map(({ method, path: target, isAbsolute, fields, payload }) => {
    const startLine = `${method} ${isAbsolute ? 'http://u.test' : ''}${target} HTTP/1.1`;
    return compose(startLine, 'Host: u.test\r\n', fields, payload);
  });

/** A response, to anything but HEAD, that every reader must take. */
export const wellFormedResponse: fc.Arbitrary<Written> = fc
  .record({
    status: fc.oneof(fc.constantFrom(200, 404, 503), fc.integer({ min: 205, max: 599 })),
    reason: from('OKok xyz!\xe9', 0, 12).map((text) => text.trim()),
    fields: fc.array(field, { maxLength: 8 }),
    payload: fc.oneof(counted, chunked),
  })
  .filter(({ status }) => status !== 304)
  .map(({ status, reason, fields, payload }) => compose(`HTTP/1.1 ${status} ${reason}`, '', fields, payload));

/** Bytes that have broken parsers before. */
const mischief = fc.constantFrom(
  ...['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', 'x', '\x0b', '\x7f', '\xff', '_', '#'],
  ...['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: x\r\n', 'Host: a\r\n'],
  ...['\r\n\r\n', '0\r\n\r\n', 'GET / HTTP/1.1\r\n', ' chunked', '+', '-1', 'Connection: close\r\n'],
);

interface Mutation {
  readonly at: number;
  readonly removed: number;
  readonly inserted: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.integer({ min: 0, max: 3 }),
  inserted: fc.oneof(fc.constant(''), mischief),
});

const mutate = (bytes: Buffer, mutations: readonly Mutation[]): Buffer => {
  let mutated = bytes;
  for (const { at, removed, inserted } of mutations) {
    const offset = Math.floor(at * mutated.length);
    mutated = Buffer.concat([
      mutated.subarray(0, offset),
      Buffer.from(inserted, 'latin1'),
      mutated.subarray(offset + removed),
    ]);
  }
  return mutated;
};

/** Bytes of a message with one to three things wrong with it, or perhaps none. */
export const mutated = (message: fc.Arbitrary<Written>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(message, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([{ bytes }, mutations]) => mutate(bytes, mutations));

/** Sizes of pieces; what is left over is the last piece. */
export const pieceSizes: fc.Arbitrary<number[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.integer({ min: 1, max: 80 })),
  { minLength: 1, maxLength: 60 },
);

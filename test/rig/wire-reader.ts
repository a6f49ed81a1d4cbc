/**
 * The second parser: it shares no line with the product's, reads only what is beyond doubt and throws at anything
 * else. What the proxy writes, to either side, must please it.
 */

export type Fields = readonly (readonly [name: string, value: string])[];

export interface WireMessage {
  readonly startLine: string;
  readonly fields: Fields;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: Buffer;
  readonly trailers: Fields;
}

export class WireError extends Error {}

const requestLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.[01]$/;
const statusLine = /^HTTP\/1\.[01] [1-5]\d\d (?:[\t\x20-\x7e\x80-\xff]*)$/;
const fieldLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;

/** Values of all fields of that name, in order. */
export const fieldsOf = (message: { readonly fields: Fields }, name: string): string[] =>
  message.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

/** The value of the only field of that name; undefined without one. */
export const fieldOf = (message: { readonly fields: Fields }, name: string): string | undefined => {
  const values = fieldsOf(message, name);
  if (values.length > 1) throw new WireError(`${values.length} fields named ${name}`);
  return values[0];
};

/** Status of a response. */
export const statusOf = (message: { readonly startLine: string }): number =>
  Number(message.startLine.slice(9, 12));

const readFields = (lines: readonly string[]): Fields =>
  lines.map((line) => {
    const match = fieldLine.exec(line);
    if (match === null) throw new WireError(`not a field line: ${JSON.stringify(line)}`);
    return [match[1]!, match[2]!] as const;
  });

interface Progress {
  readonly startLine: string;
  readonly fields: Fields;
  readonly framing: WireMessage['framing'];
  readonly body: Buffer[];
  /** Bytes still to come of the body or the chunk. */
  remaining: number;
  part: 'body' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';
}

/** Reads messages of one direction of one connection, one after the other. */
export class WireReader {
  readonly #kind: 'request' | 'response';
  #rest: Buffer = Buffer.alloc(0);
  /** What came since somebody last read. */
  #unread: Buffer[] = [];
  #hasEnded = false;
  #current: Progress | null = null;

  constructor(kind: 'request' | 'response') {
    this.#kind = kind;
  }

  push(chunk: Buffer): void {
    this.#unread.push(chunk);
  }

  /** No more bytes will come. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Bytes that belong to no message yet. */
  get rest(): Buffer {
    this.#gather();
    return this.#rest;
  }

  /** Content of the message under way. */
  get partialBody(): Buffer {
    return Buffer.concat(this.#current?.body ?? []);
  }

  /** The head of the message under way, as soon as it is there. */
  head(answersHead = false): { readonly startLine: string; readonly fields: Fields } | null {
    this.#gather();
    if (this.#current === null) this.#readHead(answersHead);
    return this.#current;
  }

  /** The next whole message; null while bytes are missing. `answersHead`: it is the answer to a HEAD. */
  next(answersHead = false): WireMessage | null {
    const current = this.head(answersHead) as Progress | null;
    if (current === null) return null;
    let trailers: Fields = [];
    if (current.framing === 'chunked') {
      const read = this.#readChunks(current);
      if (read === null) return null;
      trailers = read;
    } else if (current.framing === 'close') {
      current.body.push(this.#take(this.#rest.length));
      if (!this.#hasEnded) return null;
    } else if (!this.#readCounted(current)) return null;
    this.#current = null;
    const { startLine, fields, framing } = current;
    return { startLine, fields, framing, body: Buffer.concat(current.body), trailers };
  }

  #gather(): void {
    if (this.#unread.length === 0) return;
    this.#rest = Buffer.concat([this.#rest, ...this.#unread]);
    this.#unread = [];
  }

  #readHead(answersHead: boolean): void {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    const lines = this.#take(end).toString('latin1').split('\r\n');
    this.#take(4);
    const startLine = lines[0]!;
    const grammar = this.#kind === 'request' ? requestLine : statusLine;
    if (!grammar.test(startLine)) throw new WireError(`not a start line: ${JSON.stringify(startLine)}`);
    const fields = readFields(lines.slice(1));
    const framing = this.#framing(startLine, fields, answersHead);
    const remaining = framing === 'length' ? Number(fieldOf({ fields }, 'content-length')) : 0;
    const part = framing === 'chunked' ? 'chunk-size' : 'body';
    this.#current = { startLine, fields, framing, body: [], remaining, part };
  }

  #framing(startLine: string, fields: Fields, answersHead: boolean): WireMessage['framing'] {
    const coding = fieldOf({ fields }, 'transfer-encoding');
    const length = fieldOf({ fields }, 'content-length');
    if (coding !== undefined && length !== undefined) throw new WireError('two framings');
    if (coding !== undefined && coding !== 'chunked') throw new WireError(`coding ${coding}`);
    if (length !== undefined && !/^(?:0|[1-9]\d{0,15})$/.test(length))
      throw new WireError(`length ${length}`);
    if (this.#kind === 'response') {
      const status = statusOf({ startLine });
      if (answersHead || status < 200 || status === 204 || status === 304) return 'none';
    }
    if (coding !== undefined) return 'chunked';
    if (length !== undefined) return 'length';
    return this.#kind === 'request' ? 'none' : 'close';
  }

  #readCounted(current: Progress): boolean {
    const piece = this.#take(Math.min(current.remaining, this.#rest.length));
    if (piece.length > 0) current.body.push(piece);
    current.remaining -= piece.length;
    return current.remaining === 0;
  }

  /** The trailers, once the last chunk was read. */
  #readChunks(current: Progress): Fields | null {
    for (;;) {
      if (current.part === 'chunk-data') {
        if (!this.#readCounted(current)) return null;
        current.part = 'chunk-end';
      } else if (current.part === 'trailers') {
        return this.#readTrailers();
      } else {
        const line = this.#takeLine();
        if (line === null) return null;
        this.#chunkLine(current, line);
      }
    }
  }

  #chunkLine(current: Progress, line: string): void {
    if (current.part === 'chunk-end') {
      if (line !== '') throw new WireError('no line end after a chunk');
      current.part = 'chunk-size';
      return;
    }
    if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) throw new WireError(`chunk size ${JSON.stringify(line)}`);
    current.remaining = Number.parseInt(line, 16);
    current.part = current.remaining === 0 ? 'trailers' : 'chunk-data';
  }

  #readTrailers(): Fields | null {
    if (this.#rest.subarray(0, 2).toString('latin1') === '\r\n') {
      this.#take(2);
      return [];
    }
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const lines = this.#take(end).toString('latin1').split('\r\n');
    this.#take(4);
    return readFields(lines);
  }

  #takeLine(): string | null {
    const end = this.#rest.indexOf('\r\n');
    if (end < 0) return null;
    const line = this.#take(end).toString('latin1');
    this.#take(2);
    return line;
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }
}

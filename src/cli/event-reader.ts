import { StringDecoder } from 'node:string_decoder';

/** One event of a stream (WHATWG HTML, section 9.2). */
export interface ServerSentEvent {
  /** `message` where the stream gives none. */
  readonly name: string;
  readonly data: string;
  /** The last id that the stream gave. */
  readonly lastId: string;
}

/** Longer than any event of ours: a stream that goes on without an end is none. */
const maxEventChars = 64 * 1024 * 1024;

/** Takes the bytes of an event stream as they come and gives back the events that are complete. */
export class EventReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #lineEnd = /\r\n|\n|\r/g;
  /** The line that is not complete yet. */
  #rest: string[] = [];
  /** How much of an event that is not complete yet has come, in all its lines. */
  #eventChars = 0;
  /** A line feed that comes next belongs to the carriage return before it. */
  #isAfterReturn = false;
  #name = '';
  #data: string[] = [];
  #lastId = '';

  /** Throws a `RangeError` for an event that does not end. */
  read(bytes: Buffer): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const text = this.#decoder.write(bytes);
    if (text === '') return events;
    let from = this.#isAfterReturn && text.startsWith('\n') ? 1 : 0;
    this.#isAfterReturn = text.endsWith('\r');
    this.#lineEnd.lastIndex = from;
    for (let end = this.#lineEnd.exec(text); end !== null; end = this.#lineEnd.exec(text)) {
      this.#rest.push(text.slice(from, end.index));
      const event = this.#line(this.#rest.join(''));
      if (event !== null) events.push(event);
      this.#rest = [];
      this.#eventChars = this.#data.length === 0 ? 0 : this.#eventChars + end.index - from;
      from = this.#lineEnd.lastIndex;
    }
    this.#rest.push(text.slice(from));
    this.#eventChars += text.length - from;
    if (this.#eventChars > maxEventChars) throw new RangeError('an event of the stream does not end');
    return events;
  }

  #line(line: string): ServerSentEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#lastId = value;
    return null;
  }

  #dispatch(): ServerSentEvent | null {
    const data = this.#data;
    const name = this.#name === '' ? 'message' : this.#name;
    this.#data = [];
    this.#name = '';
    return data.length === 0 ? null : { name, data: data.join('\n'), lastId: this.#lastId };
  }
}

import { readFile } from 'node:fs';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../lib/clock.ts';
import { isShortOfDescriptors } from '../lib/shortage.ts';

/** Hears whether a client has left. */
export type DepartureAnswer = (hasLeft: boolean) => void;

/** Gives the text of one of the kernel's tables; null where there is none. `isLater`: it could not be read just now. */
export type ReadTable = (path: string, done: (text: string | null, isLater?: boolean) => void) => void;

interface Question {
  /** What the client's own row says, its address and then ours, in each of the forms that it may have. */
  readonly rows: readonly string[];
  readonly answer: DepartureAnswer;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** Looking takes as much time as there are sockets: this many times as long must pass before the next look. */
const REST_FACTOR = 10;
const MIN_REST_MS = 10;

const readProc: ReadTable = (path, done) =>
  readFile(path, 'latin1', (error, text) => done(error === null ? text : null, isShortOfDescriptors(error)));

/**
 * A client that has sent its FIN may have left, or may have said its last word and wait for the answer: on the wire the
 * two look the same. On Linux the kernel's table of sockets tells them apart where the client is on this machine, as it
 * is for a sidecar: a socket that nobody holds any more has no inode. A client that is not in the table has left, and
 * where there is no table, every FIN is a departure. All who ask while the kernel is asked share the next look, and
 * looks rest long enough to stay under a tenth of the time, so that a crowd that leaves cannot hold up the others.
 */
export class Departures {
  readonly #clock: Clock;
  readonly #readTable: ReadTable;
  #questions: Question[] = [];
  #timer: Timer | null = null;
  #isLooking = false;
  #restUntil = 0;
  #isClosed = false;

  constructor(clock: Clock, readTable: ReadTable = readProc) {
    this.#clock = clock;
    this.#readTable = readTable;
  }

  /** Asks about the peer of `socket`, which has ended its half. */
  ask(socket: Socket, answer: DepartureAnswer): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (process.platform !== 'linux' || remoteAddress === undefined || localAddress === undefined) {
      answer(true);
      return;
    }
    const rows = [addressBytes, mappedBytes].map(
      (form) => `${tableEnd(form(remoteAddress), remotePort!)} ${tableEnd(form(localAddress), localPort!)}`,
    );
    this.#questions.push({ rows, answer });
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#questions = [];
  }

  #schedule(): void {
    if (this.#isClosed || this.#isLooking || this.#timer !== null || this.#questions.length === 0) return;
    const restMs = Math.max(0, this.#restUntil - this.#clock.now());
    this.#timer = this.#clock.after(restMs, () => this.#look());
  }

  #look(): void {
    const asked = this.#questions;
    const startedAt = this.#clock.now();
    const texts: string[] = [];
    let missing = TABLES.length;
    let isPartial = false;
    this.#timer = null;
    this.#questions = [];
    this.#isLooking = true;
    for (const table of TABLES) {
      this.#readTable(table, (text, isLater = false) => {
        if (text !== null) texts.push(text);
        isPartial ||= isLater;
        missing -= 1;
        if (missing === 0) this.#tell(asked, texts, startedAt, isPartial);
      });
    }
  }

  #tell(asked: readonly Question[], texts: readonly string[], startedAt: number, isPartial: boolean): void {
    for (const question of asked) {
      const { rows, answer } = question;
      const isThere = texts.some((text) => rows.some((row) => isHeld(text, row)));
      // It may be in the table that could not be read.
      if (!isThere && isPartial) this.#questions.push(question);
      else answer(!isThere);
    }
    const now = this.#clock.now();
    this.#restUntil = now + Math.max(MIN_REST_MS, (now - startedAt) * REST_FACTOR);
    this.#isLooking = false;
    this.#schedule();
  }
}

/** Rows are `sl local remote state queues timer retries uid timeout inode …`; an inode of 0: nobody holds it. */
const isHeld = (table: string, row: string): boolean => {
  const at = table.indexOf(row);
  if (at < 0) return false;
  const end = table.indexOf('\n', at);
  const columns = table
    .slice(at, end < 0 ? table.length : end)
    .trim()
    .split(/\s+/);
  return columns[8] !== undefined && columns[8] !== '0';
};

/** An address and port as the tables write them: 32-bit words in the machine's byte order, in hexadecimal. */
const tableEnd = (address: readonly number[], port: number): string => {
  let hex = '';
  for (let word = 0; word < address.length; word += 4) {
    for (let i = 3; i >= 0; i -= 1) hex += address[word + i]!.toString(16).padStart(2, '0').toUpperCase();
  }
  return `${hex}:${port.toString(16).padStart(4, '0').toUpperCase()}`;
};

/** The bytes of an address; IPv4 that came in over an IPv6 listener as IPv4. */
const addressBytes = (address: string): readonly number[] => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) return plain.split('.').map(Number);
  const [before = '', after = ''] = plain.split('::');
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groupsOf(before);
  const tail = groupsOf(after);
  const gap = plain.includes('::') ? new Array<string>(8 - head.length - tail.length).fill('0') : [];
  return [...head, ...gap, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
};

/** The same for a client that made an IPv6 socket and reached us over IPv4, as Java does: `::ffff:a.b.c.d`. */
const mappedBytes = (address: string): readonly number[] => {
  const bytes = addressBytes(address);
  return bytes.length === 4 ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes] : bytes;
};

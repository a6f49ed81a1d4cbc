import { readFile } from 'node:fs';
import type { Socket } from 'node:net';

/**
 * A client that has sent its FIN may have left, or may have said its last word and wait for the answer: on the wire the
 * two look the same. On Linux the kernel's table of sockets tells them apart where the client is on this machine, as it
 * is for a sidecar: a socket that nobody holds any more has no inode. What is not in the table has left.
 */

type Answer = (left: boolean) => void;

interface Question {
  /** `remote local` of the client's own row in the table. */
  readonly key: string;
  readonly answer: Answer;
}

const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

let questions: Question[] = [];

/** Asks whether the peer of `socket`, which has ended its half, is gone. All who ask at the same time share one look. */
export const hasLeft = (socket: Socket, answer: Answer): void => {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (process.platform !== 'linux' || remoteAddress === undefined || localAddress === undefined) {
    answer(true);
    return;
  }
  const key = `${hexEnd(remoteAddress, remotePort!)} ${hexEnd(localAddress, localPort!)}`;
  questions.push({ key, answer });
  if (questions.length === 1) setImmediate(look);
};

const look = (): void => {
  const asked = questions;
  questions = [];
  const holders = new Map<string, boolean>();
  let left = tables.length;
  for (const table of tables) {
    readFile(table, 'latin1', (error, text) => {
      if (error === null) addHolders(text, holders);
      left -= 1;
      if (left === 0) for (const { key, answer } of asked) answer(holders.get(key) !== true);
    });
  }
};

/** Rows are `sl local remote state queues timer retries uid timeout inode …`. */
const addHolders = (text: string, holders: Map<string, boolean>): void => {
  for (const line of text.split('\n')) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || inode === undefined) continue;
    holders.set(`${shortEnd(local)} ${shortEnd(remote)}`, inode !== '0');
  }
};

/** IPv4 in an IPv6 row (`::ffff:a.b.c.d`) is written as IPv4. */
const shortEnd = (end: string): string => end.replace(/^0{16}FFFF0000/, '');

/** An address as the table writes it: 32-bit words in the machine's byte order, then the port. */
const hexEnd = (address: string, port: number): string => {
  const bytes = addressBytes(address);
  let hex = '';
  for (let i = 0; i < bytes.length; i += 4) {
    for (let j = 3; j >= 0; j -= 1) hex += bytes[i + j]!.toString(16).padStart(2, '0').toUpperCase();
  }
  return `${shortEnd(hex)}:${port.toString(16).padStart(4, '0').toUpperCase()}`;
};

const addressBytes = (address: string): number[] => {
  const v4 = address.replace(/^::ffff:/i, '');
  if (!v4.includes(':')) return v4.split('.').map(Number);
  const [before = '', after = ''] = v4.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groups(before);
  const tail = groups(after);
  const middle = v4.includes('::') ? new Array<string>(8 - head.length - tail.length).fill('0') : [];
  return [...head, ...middle, ...tail].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
};

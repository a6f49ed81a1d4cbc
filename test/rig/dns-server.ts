import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

/** What the server knows of a name. */
export type DnsEntry =
  | { readonly a?: readonly string[]; readonly aaaa?: readonly string[]; readonly ttlSeconds?: number }
  | 'nxdomain'
  | 'servfail'
  /** Questions are heard and never answered. */
  | 'silence';

interface Question {
  readonly name: string;
  readonly type: number;
  /** The question section as it came, to be sent back. */
  readonly bytes: Buffer;
}

const TYPE_A = 1;
const TYPE_AAAA = 28;

/**
 * A name server (RFC 1035) on 127.0.0.1 over UDP, with A and AAAA and nothing else. Names that it was not told of do
 * not exist; one that exists without addresses of the family that was asked for gets an answer without records.
 */
export class DnsServer {
  /** `ip:port`, for the resolver's settings. */
  address = '';
  /** Every question in order: `A name` or `AAAA name`. */
  readonly questions: string[] = [];
  readonly asked = new Signal();
  readonly #entries = new Map<string, DnsEntry>();
  readonly #socket = createSocket('udp4');

  static async start(owner: Owner): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.on('message', (message, from) => server.#answer(message, from));
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    server.address = `127.0.0.1:${server.#socket.address().port}`;
    owner.after(() => server.#socket.close());
    return server;
  }

  set(name: string, entry: DnsEntry): void {
    this.#entries.set(name, entry);
  }

  /** How often the IPv4 addresses of `name` were asked for. */
  askedFor(name: string): number {
    return this.questions.filter((question) => question === `A ${name}`).length;
  }

  #answer(message: Buffer, from: RemoteInfo): void {
    const question = parseQuestion(message);
    this.questions.push(`${question.type === TYPE_A ? 'A' : 'AAAA'} ${question.name}`);
    this.asked.raise();
    const entry = this.#entries.get(question.name) ?? 'nxdomain';
    if (entry === 'silence') return;
    this.#socket.send(buildAnswer(message.readUInt16BE(0), question, entry), from.port, from.address);
  }
}

const parseQuestion = (message: Buffer): Question => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const end = at + 5;
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), bytes: message.subarray(12, end) };
};

const buildAnswer = (id: number, question: Question, entry: Exclude<DnsEntry, 'silence'>): Buffer => {
  const records: Buffer[] = [];
  let rcode = 0;
  if (entry === 'servfail') rcode = 2;
  else if (entry === 'nxdomain') rcode = 3;
  else {
    const addresses = question.type === TYPE_A ? entry.a : question.type === TYPE_AAAA ? entry.aaaa : [];
    for (const address of addresses ?? [])
      records.push(record(question.type, address, entry.ttlSeconds ?? 60));
  }
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  // A response, recursion desired and available.
  head.writeUInt16BE(0x8180 + rcode, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question.bytes, ...records]);
};

const record = (type: number, address: string, ttlSeconds: number): Buffer => {
  const data = type === TYPE_A ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const head = Buffer.alloc(12);
  // A pointer to the name in the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
};

const ipv6Bytes = (address: string): Buffer => {
  const [before = '', after = ''] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
};

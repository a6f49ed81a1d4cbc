import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  buildAnswer,
  type DnsRecord,
  parseQuestion,
  type Question,
  type QuestionType,
} from './dns-message.ts';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

/** A record of type SRV (RFC 2782). */
export interface SrvEntry {
  readonly priority?: number;
  readonly weight?: number;
  readonly port: number;
  readonly target: string;
}

/** What there is under a name, and how questions for it are treated. */
export interface NameEntry {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly srv?: readonly SrvEntry[];
  /** An alias: the records of that name follow in the same answer. */
  readonly cname?: string;
  readonly ttlSeconds?: number;
  /** Questions of these types are heard and never answered. */
  readonly silent?: readonly QuestionType[];
  /** Questions of these types are answered with SERVFAIL. */
  readonly broken?: readonly QuestionType[];
  /** Questions of these types are answered with NXDOMAIN. */
  readonly missing?: readonly QuestionType[];
  /** Every answer goes out twice before the right one: with another id, and for another name. */
  readonly forged?: boolean;
  /** The answer to a question for A holds the AAAA records too, and the other way round. */
  readonly mixed?: boolean;
}

/** What the server knows of a name. */
export type DnsEntry =
  | NameEntry
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  /** Questions are heard and never answered. */
  | 'silence';

const rcodes = { nxdomain: 3, servfail: 2, refused: 5 } as const;
const DEFAULT_TTL_SECONDS = 60;
/** What fits into an answer over UDP (RFC 1035, section 4.2.1). */
const UDP_BYTES = 512;

/**
 * A name server (RFC 1035) on 127.0.0.1 with A, AAAA, SRV and CNAME, over UDP, and over TCP for answers that do not fit.
 * Names that it was not told of do not exist; one that exists without records of the type that was asked for gets an
 * answer without records.
 */
export class DnsServer {
  /** `ip:port`, for the resolver's settings. */
  address = '';
  /** Every question in order, such as `A name` or `SRV name`; those over TCP too. */
  readonly questions: string[] = [];
  /** Those that came over TCP. */
  readonly questionsOverTcp: string[] = [];
  readonly asked = new Signal();
  readonly #entries = new Map<string, DnsEntry>();
  readonly #udp = createSocket('udp4');
  readonly #tcp = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();

  static async start(owner: Owner): Promise<DnsServer> {
    const server = new DnsServer();
    owner.after(() => {
      server.#udp.close();
      server.#tcp.close();
      for (const socket of server.#sockets) socket.destroy();
    });
    await server.#listen();
    return server;
  }

  set(name: string, entry: DnsEntry): void {
    this.#entries.set(name, entry);
  }

  /** How often the IPv4 addresses of `name` were asked for. */
  askedFor(name: string): number {
    return this.questions.filter((question) => question === `A ${name}`).length;
  }

  async #listen(): Promise<void> {
    // TCP first: its ports are the ones that are short on a busy machine.
    this.#tcp.listen(0, '127.0.0.1');
    await once(this.#tcp, 'listening');
    const { port } = this.#tcp.address() as AddressInfo;
    this.#udp.on('message', (message, from) => this.#answerByUdp(message, from));
    this.#udp.bind(port, '127.0.0.1');
    await once(this.#udp, 'listening');
    this.address = `127.0.0.1:${port}`;
  }

  #answerByUdp(message: Buffer, from: RemoteInfo): void {
    for (const answer of this.#answers(message, UDP_BYTES)) this.#udp.send(answer, from.port, from.address);
  }

  /** One message is a length in two bytes, and then the message (RFC 1035, section 4.2.2). */
  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const message = unread.subarray(2, 2 + unread.readUInt16BE(0));
        unread = unread.subarray(2 + message.length);
        const { type, name } = parseQuestion(message);
        this.questionsOverTcp.push(`${type} ${name}`);
        for (const answer of this.#answers(message, Number.POSITIVE_INFINITY)) {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          socket.write(Buffer.concat([length, answer]));
        }
      }
    });
  }

  /** The messages that go back, in order. */
  #answers(message: Buffer, limitBytes: number): readonly Buffer[] {
    const question = parseQuestion(message);
    this.questions.push(`${question.type} ${question.name}`);
    this.asked.raise();
    const entry = this.#entries.get(question.name) ?? 'nxdomain';
    if (entry === 'silence') return [];
    const { id } = question;
    if (typeof entry === 'string') return [buildAnswer({ id, question, rcode: rcodes[entry] })];
    if (entry.silent?.includes(question.type)) return [];
    if (entry.broken?.includes(question.type)) return [buildAnswer({ id, question, rcode: rcodes.servfail })];
    if (entry.missing?.includes(question.type)) {
      return [buildAnswer({ id, question, rcode: rcodes.nxdomain })];
    }
    const records = this.#records(question, entry);
    const whole = buildAnswer({ id, question, rcode: 0, records });
    const answer =
      whole.length <= limitBytes ? whole : buildAnswer({ id, question, rcode: 0, isTruncated: true });
    return entry.forged === true ? [...forgeries(question), answer] : [answer];
  }

  #records({ name, type }: Question, entry: NameEntry): readonly DnsRecord[] {
    const ttlSeconds = entry.ttlSeconds ?? DEFAULT_TTL_SECONDS;
    if (entry.cname !== undefined) {
      const target = this.#entries.get(entry.cname);
      const alias: DnsRecord = { name, type: 'CNAME', ttlSeconds, data: entry.cname };
      const further = typeof target === 'object' ? this.#records({ name: entry.cname, type }, target) : [];
      return [alias, ...further];
    }
    const wants = (family: QuestionType): boolean =>
      type === family || (entry.mixed === true && type !== 'SRV');
    const a = wants('A') ? (entry.a ?? []) : [];
    const aaaa = wants('AAAA') ? (entry.aaaa ?? []) : [];
    const srv = type === 'SRV' ? (entry.srv ?? []) : [];
    return [
      ...a.map((data): DnsRecord => ({ name, type: 'A', ttlSeconds, data })),
      ...aaaa.map((data): DnsRecord => ({ name, type: 'AAAA', ttlSeconds, data })),
      ...srv.map((data): DnsRecord => ({ name, type: 'SRV', ttlSeconds, data })),
    ];
  }
}

/** What somebody sends who guesses: the right question with another id, and the right id for another question. */
const forgeries = (question: Question & { readonly id: number }): readonly Buffer[] => {
  const other = { name: 'forged.test', type: question.type };
  const record = { name: question.name, type: 'A', ttlSeconds: 60, data: '10.66.66.66' } as const;
  return [
    buildAnswer({ id: (question.id + 1) & 0xffff, question, rcode: 0, records: [record] }),
    buildAnswer({ id: question.id, question: other, rcode: 0, records: [{ ...record, name: other.name }] }),
  ];
};

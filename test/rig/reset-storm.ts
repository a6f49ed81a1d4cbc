import { connect, type Socket } from 'node:net';
import { resetSocket } from '../../src/lib/socket-reset.ts';
import type { Owner, RigAddress } from './owner.ts';
import { ok, type RawExchange, type RawUpstream, startRawUpstream } from './raw-upstream.ts';

/** Whom the storm goes against. */
export interface StormTargets {
  readonly egress: RigAddress;
  readonly admin: RigAddress;
  /** The port of a TCP upstream. */
  readonly tcp: RigAddress;
}

const hosts = ['u.test', 'undici.test'];
const body = 'x'.repeat(20_000);

const requests = (host: string): readonly string[] => [
  `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  `GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\nGET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nabcde`,
  `CONNECT ${host}:80 HTTP/1.1\r\nHost: ${host}:80\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
  `CONNECT ${host}:80 HTTP/1.0\r\nHost: ${host}:80\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nabc`,
  `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\nMax-Forwards: 0\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: ${host}\r\nA b: c\r\n\r\n`,
  'no request at all\r\n\r\n',
];

const adminHead = 'HTTP/1.1\r\nHost: 127.0.0.1\r\n';
const adminRequests: readonly string[] = [
  ...['/metrics', '/events', '/hystrix.stream', '/breakers', '/'].map(
    (path) => `GET ${path} ${adminHead}\r\n`,
  ),
  `POST /breakers/u ${adminHead}Content-Type: application/json\r\nX-Outrigger-Admin: 1\r\nContent-Length: 30\r\n\r\n{"for`,
];

const answers: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc',
  'HTTP/1.1 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nabc',
  'HTTP/1.1 103 Early Hints\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Le',
  'no answer at all\r\n\r\n',
  '',
];

/** Peers on both sides of a sidecar that leave at random moments, in every way in which a peer can leave. */
export class ResetStorm {
  readonly upstream: RawUpstream;
  readonly #random: () => number;

  constructor(upstream: RawUpstream, random: () => number) {
    this.upstream = upstream;
    this.#random = random;
    upstream.handler = (exchange) => this.#answer(exchange);
    upstream.onConnection = ({ socket }) => {
      socket.on('end', () => socket.end());
      if (random() < 0.1) this.#leave(socket);
    };
  }

  /** One client, from its first byte to its end. */
  client({ egress, admin, tcp }: StormTargets): Promise<void> {
    const kind = this.#random();
    const [address, text] =
      kind < 0.15
        ? [tcp, 'hello there\r\n\r\n']
        : kind < 0.3
          ? [admin, this.#one(adminRequests)]
          : [egress, this.#one(requests(this.#one(hosts)))];
    const socket = connect({ ...address, allowHalfOpen: this.#random() < 0.5 });
    // All of it in half of the cases, else a part.
    const first = text.slice(0, Math.ceil(this.#random() * 2 * text.length));
    return new Promise((resolve) => {
      const leaves = setTimeout(() => this.#leave(socket), this.#random() * this.#random() * 60);
      const over = (): void => {
        clearTimeout(leaves);
        clearTimeout(last);
        resolve();
      };
      // Who only ended its half goes too.
      const last = setTimeout(() => socket.destroy(), 150);
      socket.on('error', () => {});
      socket.on('close', over);
      socket.on('connect', () => socket.write(first));
      if (this.#random() < 0.8) socket.resume();
    });
  }

  async #answer(exchange: RawExchange): Promise<void> {
    const { socket } = exchange.connection;
    if (this.#random() < 0.5) {
      exchange.write(this.#one(answers));
      setTimeout(() => this.#leave(socket), this.#random() * 20);
      return;
    }
    await exchange.whole();
    exchange.write(ok('x'.repeat(this.#random() * 100_000)));
  }

  #leave(socket: Socket): void {
    const how = this.#random();
    if (how < 0.5) resetSocket(socket);
    else if (how < 0.75) socket.destroy();
    else socket.end(how < 0.85 ? 'garbage\r\n\r\n' : '');
  }

  #one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }
}

export const startResetStorm = async (owner: Owner, random: () => number): Promise<ResetStorm> =>
  new ResetStorm(await startRawUpstream(owner), random);

/** A configuration in which everything that leads anywhere leads into the storm, and nothing is refused for it. */
export const stormConfig = ({ upstream }: ResetStorm, tcp: RigAddress) => {
  const shared = { endpoints: [upstream.address], breaker: { volume: 1_000_000 }, retry: { attempts: 2 } };
  return {
    drain: { deadline: '5s' },
    upstreams: {
      u: { hosts: ['u.test'], ...shared },
      undici: { hosts: ['undici.test'], transport: 'undici', ...shared },
      tcp: { protocol: 'tcp', listen: `${tcp.host}:${tcp.port}`, ...shared },
    },
  };
};

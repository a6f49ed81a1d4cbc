import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { BytesListener } from '../../src/http1/response-observer.ts';
import { Splice, type SpliceEnd, type SpliceObserver } from '../../src/proxy/splice.ts';
import { SocketReads } from '../../src/upstream/socket-reads.ts';
import { BytePeer } from './byte-peer.ts';
import type { Owner } from './owner.ts';

/** What one read can bring: of the runtime's own buffers for a client, of ours for an upstream. */
const CLIENT_READ_BYTES = 64 * 1024;
const UPSTREAM_READ_BYTES = 128 * 1024;

/** Two ends that are joined by a splice over four real sockets, and what must hold at every moment. */
export class SplicedPair implements SpliceObserver {
  readonly client: BytePeer;
  readonly upstream: BytePeer;
  readonly splice: Splice;
  readonly ends: SpliceEnd[] = [];
  /** What was found wrong while bytes went through. */
  readonly complaints: string[] = [];
  /** How many of the two sockets in between have said that they are closed, after the splice has heard it. */
  closed = 0;
  /** These two. */
  readonly inner: readonly [client: Socket, upstream: Socket];

  constructor(client: BytePeer, upstream: BytePeer, inner: readonly [Socket, Socket]) {
    this.client = client;
    this.upstream = upstream;
    this.inner = inner;
    this.splice = new Splice(...inner, this);
  }

  /** Begins, with what is said to have been read of both already. */
  join(reads: SocketReads, earlyOfClient: Buffer, earlyOfUpstream: Buffer): void {
    const [client, upstream] = this.inner;
    const listen = (listener: BytesListener): void => {
      reads.listener = listener;
    };
    this.splice.join(
      { socket: client, early: orNull(earlyOfClient) },
      { socket: upstream, early: orNull(earlyOfUpstream), listen },
    );
    for (const socket of this.inner) {
      socket.on('close', () => {
        this.closed += 1;
      });
    }
  }

  moved(): void {
    if (this.ends.length > 0) this.complaints.push('bytes went by after the end');
    const [client, upstream] = this.inner;
    this.#holdsAtMost(upstream.writableLength, upstream.writableHighWaterMark + CLIENT_READ_BYTES);
    this.#holdsAtMost(client.writableLength, client.writableHighWaterMark + UPSTREAM_READ_BYTES);
    this.#holdsAtMost(client.readableLength, client.readableHighWaterMark + CLIENT_READ_BYTES);
  }

  upstreamSpoke(): void {
    if (this.splice.receivedBytes === 0) this.complaints.push('the upstream has not spoken');
  }

  ended(end: SpliceEnd): void {
    this.ends.push(end);
  }

  #holdsAtMost(held: number, most: number): void {
    if (held > most) this.complaints.push(`${held} bytes are held where ${most} may be`);
  }
}

const orNull = (bytes: Buffer): Buffer | null => (bytes.length === 0 ? null : bytes);

/** Makes pairs, one after the other. */
export class SplicedPairs {
  readonly #server: Server = createServer({ allowHalfOpen: true, noDelay: true });

  async listen(owner: Owner): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(this.#server, 'listening');
    owner.after(() => this.#server.close());
  }

  /** `early`: what has been read of the client and of the upstream already. */
  async make(early: readonly [Buffer, Buffer]): Promise<SplicedPair> {
    const [client, ofClient] = await this.#connected({});
    const reads = new SocketReads();
    const [ofUpstream, upstream] = await this.#connected({ onread: reads.onread });
    const pair = new SplicedPair(new BytePeer(client), new BytePeer(upstream), [ofClient, ofUpstream]);
    pair.join(reads, ...early);
    return pair;
  }

  /** A connection: who opened it, and who took it. */
  async #connected(more: object): Promise<[Socket, Socket]> {
    const { port } = this.#server.address() as { port: number };
    const taken = once(this.#server, 'connection');
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true, ...more });
    await once(socket, 'connect');
    const [other] = (await taken) as [Socket];
    return [socket, other];
  }
}

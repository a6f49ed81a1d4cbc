import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BodySource } from '../../src/http1/body.ts';
import { ClientConnection } from '../../src/http1/client-connection.ts';
import type { ConnectionKeeper, ResponseObserver } from '../../src/http1/response-observer.ts';
import { eventually } from '../rig/eventually.ts';

const bounds = {
  head: { lineBytes: 65_536, headBytes: 65_536, fields: 200 },
  chunked: { extensionBytes: 1024, trailerBytes: 8192, fields: 200 },
  informational: 20,
};

const keeper: ConnectionKeeper<ClientConnection> = { discarding() {}, released() {}, gone() {} };

const deaf: ResponseObserver = {
  responseInformational() {},
  responseHead() {},
  responseData: () => true,
  responseFlush() {},
  responseEnd() {},
  responseSwitched() {},
  responseFailed() {},
};

/** A connection of ours, and the server's end of it. */
const connectedPair = async (t: TestContext): Promise<{ ours: ClientConnection; theirs: Socket }> => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  const [theirs] = await accepted;
  server.close();
  t.after(() => {
    socket.destroy();
    theirs.destroy();
  });
  return { ours: new ClientConnection(socket, keeper, bounds), theirs };
};

/** Content of unknown length that the test hands over piece by piece. */
class Faucet implements BodySource {
  readonly length = -1;
  readonly isReplayable = false;
  isPaused = false;

  attach(): void {}
  detach(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

test('content that came while the server was slow reaches it, though nothing follows', async (t) => {
  const { ours, theirs } = await connectedPair(t);
  const faucet = new Faucet();
  const piece = Buffer.alloc(1000, 'x');
  let sent = 0;
  ours.begin('POST', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', faucet, deaf);

  while (!faucet.isPaused) {
    ours.bodyData(piece);
    sent += 1;
  }
  let received = 0;
  theirs.on('data', (chunk: Buffer) => {
    for (const byte of chunk) received += byte === piece[0] ? 1 : 0;
  });
  theirs.resume();

  await eventually('all of it is there', () => received === sent * piece.length);
});

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Owner } from './owner.ts';

const maxPayload = 128 * 1024 * 1024;

/** A server of WebSockets, by the package `ws`, that says back what it hears; at `/secret` it refuses with 401. */
export class EchoServer {
  readonly sockets = new Set<WebSocket>();
  /** Codes and reasons by which they were closed. */
  readonly closed: string[] = [];
  #port = 0;

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async listen(owner: Owner): Promise<void> {
    const webSockets = new WebSocketServer({
      noServer: true,
      // Small messages, too, so that a test sees it at work.
      perMessageDeflate: { threshold: 0 },
      maxPayload,
    });
    const server = createServer((_request, response) => response.end('plain'));
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {});
      if (request.url === '/secret') {
        socket.end(
          'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 6\r\n\r\nwho?\r\n',
        );
        return;
      }
      webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#echo(webSocket));
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    owner.after(() => {
      for (const webSocket of this.sockets) webSocket.terminate();
      server.close();
      server.closeAllConnections();
    });
  }

  #echo(webSocket: WebSocket): void {
    this.sockets.add(webSocket);
    webSocket.on('message', (data: Buffer, isBinary: boolean) => webSocket.send(data, { binary: isBinary }));
    webSocket.on('error', () => {});
    webSocket.on('close', (code: number, reason: Buffer) => {
      this.sockets.delete(webSocket);
      this.closed.push(`${code} ${reason}`);
    });
  }
}

/** Starts one; it goes with its owner. */
export const startEchoServer = async (owner: Owner): Promise<EchoServer> => {
  const server = new EchoServer();
  await server.listen(owner);
  return server;
};

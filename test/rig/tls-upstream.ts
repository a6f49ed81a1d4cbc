import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Call, hashOf } from './http-upstream.ts';
import type { Owner } from './owner.ts';

/** One connection on which the handshake was done. */
export interface SecureConnection {
  readonly serverName: string | false | null;
  readonly isResumed: boolean;
  readonly protocol: string | null;
  /** Common name of the client's certificate; empty without one. */
  readonly client: string;
}

export type TlsAnswer = (call: Call, response: ServerResponse) => unknown;

/** An ordinary HTTPS server that writes down what it was called and how. */
export class TlsUpstream {
  readonly server: Server;
  readonly calls: Call[] = [];
  /** Whose handshake was done. */
  readonly secured: SecureConnection[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: ServerOptions, answer: TlsAnswer) {
    this.server = createServer(options, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const { method = '', url: path = '', headers } = request;
        const call = { method, path, headers, bodyBytes: body.length, bodyHash: hashOf(body) };
        this.calls.push(call);
        answer(call, response);
      });
    });
    this.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.server.on('secureConnection', (socket: TLSSocket) => {
      const { CN: client = '' } = socket.getPeerCertificate().subject ?? {};
      this.secured.push({
        serverName: socket.servername,
        isResumed: socket.isSessionReused(),
        protocol: socket.getProtocol(),
        client: String(client),
      });
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open, whether or not a handshake was done on them. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Cuts what is open; it goes on listening. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

export const startTlsUpstream = async (
  owner: Owner,
  options: ServerOptions,
  answer: TlsAnswer = (_call, response) => response.end('ok'),
): Promise<TlsUpstream> => {
  const upstream = new TlsUpstream({ keepAliveTimeout: 60_000, ...options }, answer);
  upstream.server.listen({ host: '127.0.0.1', port: 0 });
  owner.after(() => {
    upstream.server.close();
    upstream.cut();
  });
  await once(upstream.server, 'listening');
  return upstream;
};

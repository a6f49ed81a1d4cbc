import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Dial, DialObserver } from '../../src/upstream/dialer.ts';
import { connectFault } from '../../src/upstream/faults.ts';
import { SocketReads } from '../../src/upstream/socket-reads.ts';
import type { Address } from '../../src/upstream/sources.ts';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

let made: { readonly key: Buffer; readonly cert: Buffer } | null | undefined;

/** A key and a certificate for localhost that nobody else trusts; null where there is no `openssl` to make them. */
export const selfSigned = (): { readonly key: Buffer; readonly cert: Buffer } | null => {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-h2-'));
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
  try {
    execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    made = { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    made = null;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return made;
};

/** One request as the HTTP/2 server sees it. */
export interface H2Call {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
}

/** An HTTP/2 server that does with each stream what the test says. */
export class H2Server {
  readonly server: Http2SecureServer;
  readonly sessions: ServerHttp2Session[] = [];
  /** The sockets under TLS. */
  readonly rawSockets: Socket[] = [];
  readonly calls: H2Call[] = [];
  readonly changed = new Signal();
  handler: (call: H2Call) => void;

  constructor(server: Http2SecureServer, handler: (call: H2Call) => void) {
    this.server = server;
    this.handler = handler;
    server.on('connection', (socket: Socket) => this.rawSockets.push(socket));
    server.on('session', (session) => {
      this.sessions.push(session);
      session.on('error', () => {});
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => {});
      const call = { stream, headers };
      this.calls.push(call);
      this.changed.raise();
      this.handler(call);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Waits for the call of that index (0: the first). */
  call(index: number): Promise<H2Call> {
    return this.changed.until(() => this.calls[index] ?? null);
  }
}

export const startH2Server = async (
  owner: Owner,
  handler: (call: H2Call) => void = ({ stream }) => {
    stream.respond({ ':status': 200 });
    stream.end('ok');
  },
  settings: Settings = {},
): Promise<H2Server> => {
  const server = createSecureServer({ ...selfSigned()!, settings });
  const rig = new H2Server(server, handler);
  server.listen({ host: '127.0.0.1', port: 0 });
  owner.after(() => {
    for (const session of rig.sessions) session.destroy();
    server.close();
  });
  await once(server, 'listening');
  return rig;
};

/** Dials with TLS and agrees on `protocols`; it believes every certificate. */
export class TrustingDialer {
  readonly #protocols: string[];
  dials = 0;

  constructor(protocols: readonly string[] = ['h2']) {
    this.#protocols = [...protocols];
  }

  dial(address: Address, _timeoutMs: number, observer: DialObserver): Dial {
    if (address.kind === 'unix') throw new Error('no path here');
    this.dials += 1;
    const { host, port } = address;
    const socket = connect({ host, port, ALPNProtocols: this.#protocols, rejectUnauthorized: false });
    const onError = (error: Error): void => observer.dialFailed(connectFault(error));
    socket.once('error', onError);
    socket.once('secureConnect', () => {
      socket.off('error', onError);
      observer.dialled(socket, new SocketReads());
    });
    return {
      cancel: () =>
        void socket
          .off('error', onError)
          .on('error', () => {})
          .destroy(),
    };
  }
}

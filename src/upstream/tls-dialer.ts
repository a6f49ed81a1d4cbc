import type { X509Certificate } from 'node:crypto';
import { isIP, type NetConnectOpts, type Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { tls } from '../lib/late-builtins.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import type { Failure } from '../policy/outcome.ts';
import { type Connector, type Dial, type Dialer, type DialObserver, withoutReads } from './dialer.ts';
import { formatAddress } from './endpoint.ts';
import { handshakeFault, handshakeTimeout, noProtocol, noTlsFiles, unofferedProtocol } from './faults.ts';
import type { SocketReads } from './socket-reads.ts';
import type { Address, TlsSettings } from './sources.ts';
import type { TlsContext, TlsContextSource } from './tls-context.ts';
import type { TlsSessions } from './tls-sessions.ts';

export interface TlsDialerOptions {
  /** Resolves, judges addresses and connects. */
  readonly dialer: Dialer;
  readonly contexts: TlsContextSource;
  readonly settings: Pick<TlsSettings, 'serverName' | 'alpn'>;
  /** True: who gets the sockets reads them as streams, and nothing comes to `reads`. */
  readonly isStreamed?: boolean;
}

/**
 * Opens connections with TLS on them. The server's certificate is always verified, against the trusted CAs and the name
 * that was asked for. The socket that comes out is a `TLSSocket` whose `alpnProtocol` says what was agreed on (false:
 * nothing); it is read like any other, through its `reads`, and its `end` may be a close_notify or a bare FIN: Node
 * does not tell which (decision 25).
 */
export class TlsDialer implements Connector {
  readonly options: TlsDialerOptions;

  constructor(options: TlsDialerOptions) {
    this.options = options;
  }

  /** The time covers the handshake too. */
  dial(address: Address, timeoutMs: number, observer: DialObserver): Dial {
    const context = this.options.contexts.current;
    if (context === null) {
      observer.dialFailed(noTlsFiles(this.options.contexts.problem));
      return nothing;
    }
    const dial = new TlsDial(this.options, context, address, observer);
    dial.begin(timeoutMs);
    return dial;
  }
}

const nothing: Dial = { cancel: () => {} };

class TlsDial implements Dial, DialObserver, Expirable {
  readonly #options: TlsDialerOptions;
  readonly #context: TlsContext;
  readonly #address: Address;
  readonly #observer: DialObserver;
  readonly #serverName: string;
  /** What its session is remembered by: the name that is verified is the same for all, or a part of this. */
  readonly #destination: string;
  readonly #timeout = new Timeout(this);
  #isDone = false;
  /** Connecting. */
  #dial: Dial | null = null;
  /** Connected, and shaking hands. */
  #socket: TLSSocket | null = null;
  #reads: SocketReads | null = null;
  /** What the server showed; null: nothing yet. */
  #certificate: X509Certificate | null = null;

  constructor(options: TlsDialerOptions, context: TlsContext, address: Address, observer: DialObserver) {
    this.#options = options;
    this.#context = context;
    this.#address = address;
    this.#observer = observer;
    this.#serverName = options.settings.serverName ?? (address.kind === 'unix' ? '' : address.host);
    this.#destination = formatAddress(address);
  }

  begin(timeoutMs: number): void {
    const { dialer } = this.#options;
    const dial = dialer.dial(this.#address, timeoutMs, this, (where) => this.#open(where));
    if (this.#isDone) return;
    this.#dial = dial;
    // Behind the dialer's own in the same queue: while it connects, its word for the time that is up comes first.
    dialer.timeouts.of(timeoutMs).arm(this.#timeout, dialer.clock.now());
  }

  cancel(): void {
    this.#finish();
    this.#dropSocket();
  }

  dialled(socket: Socket, reads: SocketReads): void {
    this.#dial = null;
    this.#reads = reads;
    // What `#open` made; it began the handshake when it was connected.
    this.#socket = socket as TLSSocket;
    // Before Node's own look at the certificate, which takes the socket away where it does not accept it.
    socket.prependListener('secure', this.#shown);
    socket.on('secureConnect', this.#secured);
    socket.on('error', this.#failed);
    socket.on('close', this.#closed);
  }

  dialFailed(fault: Failure): void {
    this.#finish();
    this.#observer.dialFailed(fault);
  }

  expired(): void {
    this.#fail(handshakeTimeout);
  }

  #open(where: NetConnectOpts): TLSSocket {
    const { settings, dialer, isStreamed = false } = this.#options;
    const { secure, sessions } = this.#context;
    const session = sessions.take(this.#destination, dialer.clock.now());
    const socket = tls().connect({
      ...(isStreamed ? withoutReads(where) : where),
      secureContext: secure,
      // Node's default, said so that no variable of the environment takes it back.
      rejectUnauthorized: true,
      // An address is no server name (RFC 6066, section 3), but it is verified like one.
      servername: isIP(this.#serverName) === 0 ? this.#serverName : '',
      checkServerIdentity: identityCheck(this.#serverName),
      ALPNProtocols: [...settings.alpn],
      ...(session === null ? {} : { session }),
    });
    keepSessions(socket, sessions, this.#destination, dialer.clock);
    return socket;
  }

  readonly #shown = (): void => {
    this.#certificate = this.#socket?.getPeerX509Certificate() ?? null;
  };

  readonly #secured = (): void => {
    const socket = this.#socket!;
    const { alpnProtocol } = socket;
    if (!this.#isAcceptable(alpnProtocol)) {
      this.#fail(alpnProtocol ? unofferedProtocol : noProtocol);
      return;
    }
    this.#release(socket);
    this.#finish();
    this.#socket = null;
    this.#observer.dialled(socket, this.#reads!);
  };

  readonly #failed = (error: Error): void => {
    const certificate = this.#certificate;
    const { contexts, dialer } = this.#options;
    const shown = {
      serverName: this.#serverName,
      roots: contexts.roots,
      at: dialer.clock.wallTime(),
    };
    this.#fail(handshakeFault(error, certificate === null ? null : { certificate, ...shown }));
  };

  readonly #closed = (): void => {
    this.#fail(handshakeFault(null, null));
  };

  /** A server that knows no ALPN says nothing, and then speaks HTTP/1.1. */
  #isAcceptable(agreed: string | false | null): boolean {
    const offered: readonly string[] = this.#options.settings.alpn;
    return agreed ? offered.includes(agreed) : offered.length === 0 || offered.includes('http/1.1');
  }

  #fail(fault: Failure): void {
    if (this.#isDone) return;
    this.#context.sessions.forget(this.#destination);
    this.#finish();
    this.#dropSocket();
    this.#observer.dialFailed(fault);
  }

  #finish(): void {
    this.#isDone = true;
    this.#timeout.disarm();
    this.#dial?.cancel();
    this.#dial = null;
  }

  #dropSocket(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    this.#release(socket);
    // It may have failed already without having said so: an error event that nobody hears would end the process.
    socket.on('error', ignore);
    socket.destroy();
  }

  #release(socket: TLSSocket): void {
    socket.off('secure', this.#shown);
    socket.off('secureConnect', this.#secured);
    socket.off('error', this.#failed);
    socket.off('close', this.#closed);
  }
}

// These outlive the dial, with the connection: they stand here so that they hold on to nothing of it.

/** Stays on the socket: tickets come when the handshake is long over. */
const keepSessions = (socket: TLSSocket, sessions: TlsSessions, destination: string, clock: Clock): void => {
  socket.on('session', (ticket: Buffer) =>
    sessions.keep(destination, ticket, socket.isSessionReused(), clock.now()),
  );
};

/** Node's own check, which may throw at names that make no sense: thrown from where it is called it would end the process. */
const identityCheck =
  (serverName: string) =>
  (_host: string, certificate: PeerCertificate): Error | undefined => {
    try {
      return tls().checkServerIdentity(serverName, certificate);
    } catch (error) {
      return error as Error;
    }
  };

const ignore = (): void => {};

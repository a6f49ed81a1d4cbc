/** The parts of the package `ws` that the tests use: it brings no types of its own. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { Agent, IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export interface ClientOptions {
    readonly headers?: Readonly<Record<string, string>>;
    readonly agent?: Agent;
    readonly perMessageDeflate?: boolean;
    readonly maxPayload?: number;
    readonly skipUTF8Validation?: boolean;
  }

  export class WebSocket extends EventEmitter {
    constructor(url: string, options?: ClientOptions);
    readonly extensions: string;
    readonly protocol: string;
    send(data: string | Buffer, options?: { readonly fin?: boolean; readonly binary?: boolean }): void;
    ping(data: string): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      readonly noServer?: boolean;
      readonly perMessageDeflate?: boolean | object;
      readonly maxPayload?: number;
    });
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      done: (socket: WebSocket) => void,
    ): void;
  }
}

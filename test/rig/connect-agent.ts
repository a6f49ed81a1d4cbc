import { Agent, type ClientRequestArgs, request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RigAddress } from './owner.ts';

/** What clients use to go through a proxy by CONNECT, whatever they speak. */
export class ConnectAgent extends Agent {
  readonly #proxy: RigAddress;

  constructor(proxy: RigAddress) {
    super();
    this.#proxy = proxy;
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const asked = request({ ...this.#proxy, method: 'CONNECT', path: `${host}:${port}`, agent: false });
    asked.on('connect', (response, socket) => {
      done?.(response.statusCode === 200 ? null : new Error(`refused: ${response.statusCode}`), socket);
    });
    asked.on('error', (error) => done?.(error, undefined as never));
    asked.end();
    return undefined;
  }
}

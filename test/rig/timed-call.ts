import { type Agent, request } from 'node:http';
import type { RigAddress } from './owner.ts';

/** Whom a client asks. */
export interface CallTarget extends RigAddress {
  /** The name in `Host`; default: the address. */
  readonly name?: string;
}

/** How one call ended. */
export interface CallEnd {
  /** The status, or the code of what broke the call: `timeout`, `incomplete`, `ECONNREFUSED`, … */
  readonly result: string;
  /** Whether somebody on the way answered in the place of who was asked. */
  readonly isOwnAnswer: boolean;
}

export interface TimedCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Content of so many bytes. */
  readonly bodyBytes: number;
  /** To the answer's last byte; then the call is cut. */
  readonly timeoutMs: number;
}

/** One call with Node's own client that is cut after its time. `ended` is called once. */
export const timedCall = (
  agent: Agent,
  target: CallTarget,
  call: TimedCall,
  ended: (end: CallEnd) => void,
): void => {
  const { host, port, name } = target;
  const { method, path, bodyBytes, timeoutMs } = call;
  const headers = name === undefined ? call.headers : { host: name, ...call.headers };
  let isOver = false;
  const over = (result: string, isOwnAnswer = false): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    ended({ result, isOwnAnswer });
  };
  const outgoing = request({ agent, host, port, method, path, headers }, (response) => {
    response.on('end', () => {
      over(String(response.statusCode), response.headers['proxy-status'] !== undefined);
    });
    response.on('error', () => {});
    response.on('close', () => over('incomplete'));
    response.resume();
  });
  const timer = setTimeout(() => {
    over('timeout');
    outgoing.destroy();
  }, timeoutMs);
  outgoing.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
  outgoing.end(bodyBytes > 0 ? Buffer.alloc(bodyBytes, 'x') : undefined);
};

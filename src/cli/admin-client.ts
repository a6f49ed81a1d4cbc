import { readFileSync } from 'node:fs';
import type { Dispatcher } from 'undici';

/** Where a running sidecar's admin interface is, and what it asks for. */
export interface AdminTarget {
  /** Without a slash at its end: `http://127.0.0.1:7401`. */
  readonly origin: string;
  /** null: none was given. */
  readonly token: string | null;
}

export interface AdminTargetOptions {
  /** As it was typed: a URL, or `host:port`. */
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const defaultAddress = '127.0.0.1:7401';

/** The sidecar listens on all of the machine's addresses: from here it is called by the one of loopback. */
const reachable = (host: string): string =>
  host.replace(/^0\.0\.0\.0(?=:|$)/, '127.0.0.1').replace(/^\[::\]/, '[::1]');

/** What is wrong with the target, in a line that says what to do. */
export interface TargetProblem {
  readonly problem: string;
}

/**
 * Finds the sidecar: the URL, else `OUTRIGGER_ADMIN`, else the default address. The token comes from a file or from
 * `OUTRIGGER_ADMIN_TOKEN`, never from the command line, which everybody on the machine can read.
 */
export const adminTarget = ({ url, tokenFile, env }: AdminTargetOptions): AdminTarget | TargetProblem => {
  // An empty variable is one that is not set.
  const written = url ?? (env['OUTRIGGER_ADMIN'] || defaultAddress);
  const parsed = URL.parse(/^https?:\/\//.test(written) ? written : `http://${written}`);
  if (parsed === null || parsed.host === '' || !/^\/*$/.test(parsed.pathname))
    return { problem: `${JSON.stringify(written)} is no address of a sidecar; write http://127.0.0.1:7401` };
  if (parsed.username !== '' || parsed.password !== '')
    return {
      problem: 'a token in the URL would be seen by others: use --token-file or OUTRIGGER_ADMIN_TOKEN',
    };
  let token = env['OUTRIGGER_ADMIN_TOKEN'] ?? null;
  if (tokenFile !== undefined) {
    try {
      token = readFileSync(tokenFile, 'utf8').trim();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      return { problem: `cannot read the token from ${tokenFile} (${code})` };
    }
  }
  return { origin: `${parsed.protocol}//${reachable(parsed.host)}`, token };
};

/** An answer of the admin interface; its body is still to come. */
export type AdminAnswer = Dispatcher.ResponseData;

/** A GET. Rejects where there is no answer; `AbortSignal` gives up. */
export const askAdmin = async (
  { origin, token }: AdminTarget,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AdminAnswer> => {
  // Only who asks pays for loading it.
  const { request } = await import('undici');
  return request(`${origin}${path}`, {
    headers: token === null ? { ...headers } : { ...headers, authorization: `Bearer ${token}` },
    signal,
    // A stream may be silent between two ticks, and never ends.
    bodyTimeout: 0,
  });
};

/** What an answer that is none of what was asked for means, and what to do. */
export const adviceFor = (status: number, { origin, token }: AdminTarget): string => {
  if (status === 401)
    return token === null
      ? `${origin} asks for a token: set OUTRIGGER_ADMIN_TOKEN or use --token-file`
      : `${origin} does not take this token: it must be the value of admin.token`;
  if (status === 421)
    return `${origin} does not answer to this host name: call it by localhost, or see admin.allowHosts`;
  if (status === 503)
    return `${origin} has no stream left, or is ending: close others or raise admin.maxStreams`;
  return `${origin} answered ${status}: is it the admin interface of a sidecar?`;
};

/** Why nobody answered, and what to do. */
export const unreachable = (error: unknown, { origin }: AdminTarget): string => {
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return `no answer from ${origin} (${isLate ? 'timeout' : code}): is the sidecar running there? Name another address as the first argument`;
};

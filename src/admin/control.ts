import type { IncomingMessage } from 'node:http';
import type { AdminPort, BreakerForce } from './admin-port.ts';
import type { Problem } from './admin-reply.ts';
import { problem } from './admin-reply.ts';

const maxBodyBytes = 64 * 1024;
const defaultTtlMs = 3_600_000;

/** A value that was read, or what was wrong with it. */
export type Parsed<T> =
  | { readonly isOk: true; readonly value: T }
  | { readonly isOk: false; readonly problem: Problem };

const bad = (detail: string): { readonly isOk: false; readonly problem: Problem } => ({
  isOk: false,
  problem: problem(400, 'Bad request', detail),
});

const tooLarge = problem(413, 'Body too large', 'A command needs a few bytes; 64 KiB is the limit', {
  Connection: 'close',
});

const parseJson = (bytes: Buffer): Parsed<unknown> => {
  try {
    return { isOk: true, value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return bad('The body is not JSON; send for example {"force":"open","ttl":"10m"}');
  }
};

/**
 * Reads a JSON body of at most 64 KiB. Null: the client left. What comes beyond the limit is read and dropped, since
 * leaving off would break the connection before the answer is out.
 */
export const readJson = (request: IncomingMessage): Promise<Parsed<unknown> | null> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBodyBytes) chunks.push(chunk);
      else resolve({ isOk: false, problem: tooLarge });
    });
    request.on('end', () => resolve(parseJson(Buffer.concat(chunks))));
    request.on('error', () => resolve(null));
    request.on('close', () => resolve(null));
  });

/** What `POST /breakers/NAME` asks for; `ttlMs` is Infinity for an override without an end. */
export interface ForceCommand {
  readonly force: BreakerForce;
  readonly ttlMs: number;
}

const isForce = (value: unknown): value is BreakerForce =>
  value === 'open' || value === 'closed' || value === 'none';

/** Reads `{"force":"open"|"closed"|"none","ttl":DURATION|"unlimited"}`; without `ttl` one hour. */
export const parseForce = (
  body: unknown,
  parseDurationMs: AdminPort['parseDurationMs'],
): Parsed<ForceCommand> => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return bad('Send a JSON object such as {"force":"open","ttl":"10m"}');
  }
  const fields = new Map<string, unknown>(Object.entries(body));
  const unknown = [...fields.keys()].find((key) => key !== 'force' && key !== 'ttl');
  if (unknown !== undefined) return bad(`${JSON.stringify(unknown)} is not known; use "force" and "ttl"`);
  const force = fields.get('force');
  if (!isForce(force)) return bad('"force" must be "open", "closed" or "none"');
  if (!fields.has('ttl')) return { isOk: true, value: { force, ttlMs: defaultTtlMs } };
  const ttl = fields.get('ttl');
  if (ttl === 'unlimited') return { isOk: true, value: { force, ttlMs: Number.POSITIVE_INFINITY } };
  const ttlMs = typeof ttl === 'string' ? parseDurationMs(ttl) : null;
  if (ttlMs === null || ttlMs <= 0) {
    return bad('"ttl" must be a duration greater than zero such as "10m" or "1h30m", or "unlimited"');
  }
  return { isOk: true, value: { force, ttlMs } };
};

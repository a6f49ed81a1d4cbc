import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { crypto } from '../lib/late-builtins.ts';
import { problem, securityHeaders, sendJson, sendProblem } from './admin-reply.ts';
import { readJson } from './control.ts';

/** How long somebody stays signed in: a working day and a bit. */
const sessionSeconds = 12 * 3600;

/** Failed attempts within a minute, from wherever, after which nobody can sign in for the rest of it. */
const maxFailures = 10;
const failureWindowMs = 60_000;

const digest = (text: string): Buffer => crypto().createHash('sha256').update(text).digest();

/** Digests are compared, so that neither content nor length shows in the time it takes. */
export const isSameSecret = (presented: string, expected: string): boolean =>
  crypto().timingSafeEqual(digest(presented), digest(expected));

/**
 * Sign-in with a cookie, for browsers. Nothing is kept: a cookie is the moment at which it ends and a seal over it, made
 * with the token as key, so that it needs no memory, survives a restart and dies with the token (decision 0022).
 */
export class Sessions {
  readonly #token: string;
  readonly #clock: Clock;
  readonly #cookieName: string;
  #failures = 0;
  #windowEndsAt = Number.NEGATIVE_INFINITY;

  constructor(token: string, clock: Clock) {
    this.#token = token;
    this.#clock = clock;
    // Cookies know no ports: two sidecars on one machine would sign each other out, if they shared a name.
    this.#cookieName = `outrigger-${this.#seal('name').slice(0, 8)}`;
  }

  /** True for a request that carries a cookie of ours whose time is not over. */
  isSignedIn(request: IncomingMessage): boolean {
    return cookiesOf(request, this.#cookieName).some((value) => this.#isOurs(value));
  }

  #isOurs(cookie: string): boolean {
    const [, expiry = '', seal = ''] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(cookie) ?? [];
    if (expiry === '' || !isSameSecret(seal, this.#seal(`until ${expiry}`))) return false;
    return Number(expiry) * 1000 > this.#clock.wallTime();
  }

  /** `POST /session` with `{"token":"…"}`. */
  async signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    if (body === null) return;
    if (!body.isOk) return sendProblem(response, body.problem);
    const restMs = this.#restMs();
    if (restMs > 0) {
      const seconds = Math.ceil(restMs / 1000);
      const detail = `Too many wrong tokens; try again in ${seconds} s`;
      return sendProblem(response, problem(429, 'Wait', detail, { 'Retry-After': String(seconds) }));
    }
    const presented = tokenOf(body.value);
    if (presented === null) return sendProblem(response, problem(400, 'Bad request', 'Send {"token":"…"}'));
    if (!isSameSecret(presented, this.#token)) {
      this.#noteFailure();
      const detail = 'This is not the value of admin.token';
      return sendProblem(response, problem(401, 'Wrong token', detail, { 'WWW-Authenticate': 'Bearer' }));
    }
    const expiry = Math.floor(this.#clock.wallTime() / 1000) + sessionSeconds;
    this.#setCookie(response, `${expiry}.${this.#seal(`until ${expiry}`)}`, sessionSeconds);
  }

  /** `POST /session/end`. */
  signOut(response: ServerResponse): void {
    this.#setCookie(response, '', 0);
  }

  /** Whether TLS ends in front of us cannot be known here, and `Secure` would lock out all who use plain localhost. */
  #setCookie(response: ServerResponse, value: string, maxAge: number): void {
    const attributes = `Max-Age=${maxAge}; Path=/; HttpOnly; SameSite=Strict`;
    response.writeHead(204, {
      ...securityHeaders,
      'Cache-Control': 'no-store',
      'Set-Cookie': `${this.#cookieName}=${value}; ${attributes}`,
    });
    response.end();
  }

  #seal(text: string): string {
    return crypto().createHmac('sha256', this.#token).update(`outrigger session: ${text}`).digest('hex');
  }

  #noteFailure(): void {
    const now = this.#clock.now();
    if (now >= this.#windowEndsAt) {
      this.#failures = 0;
      this.#windowEndsAt = now + failureWindowMs;
    }
    this.#failures += 1;
  }

  /** Above 0: for how long nobody can sign in. */
  #restMs(): number {
    return this.#failures >= maxFailures ? this.#windowEndsAt - this.#clock.now() : 0;
  }
}

/** `GET /session`: how whoever asks is let in. Only asked by those who are. */
export const sendSession = (response: ServerResponse, by: 'nothing' | 'cookie' | 'authorization'): void =>
  sendJson(response, 200, { signedInBy: by });

/**
 * The values of this cookie. Several may come: whoever serves another port of this host, or a path, can set one of the
 * same name, which must not sign out whoever has a good one too.
 */
const cookiesOf = (request: IncomingMessage, name: string): string[] => {
  const values: string[] = [];
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = pair.trim().split('=', 2);
    if (key === name) values.push(value);
  }
  return values;
};

const tokenOf = (body: unknown): string | null =>
  typeof body === 'object' && body !== null && 'token' in body && typeof body.token === 'string'
    ? body.token
    : null;

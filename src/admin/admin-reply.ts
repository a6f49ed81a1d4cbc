import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * On every answer: nothing here may be framed, sniffed, cached or read by another origin, and a page may load nothing
 * but what its own policy adds. There is never a CORS header.
 */
export const securityHeaders: OutgoingHttpHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** An answer that says no, and what to do about it (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly title: string;
  /** What exactly is wrong and what would be right. */
  readonly detail: string;
  readonly headers?: OutgoingHttpHeaders;
}

export const problem = (
  status: number,
  title: string,
  detail: string,
  headers: OutgoingHttpHeaders = {},
): Problem => ({ status, title, detail, headers });

/** Sends a whole answer; Node leaves the body out where the request was HEAD. */
export const sendText = (
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void => {
  response.writeHead(status, {
    ...securityHeaders,
    'Cache-Control': 'no-store',
    ...headers,
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
};

export const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  sendText(response, status, 'application/json', `${JSON.stringify(value, null, 2)}\n`);

export const sendProblem = (response: ServerResponse, { status, title, detail, headers }: Problem): void => {
  const body = { type: 'about:blank', title, status, detail };
  sendText(response, status, 'application/problem+json', `${JSON.stringify(body)}\n`, headers);
};

import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Answer, type Call, hashOf } from './http-upstream.ts';
import { seededRandom } from './seeded-random.ts';

/** One thing that every client of the matrix is asked to do. */
export interface ClientCall {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** Field lines beside those that the client adds itself. */
  readonly fields?: Readonly<Record<string, string>>;
  /** `text`: this text. `length`, `chunked`: the file, with Content-Length or in chunks. */
  readonly body?: { readonly text: string } | 'length' | 'chunked';
  /** How often in a row, in one session of the client; 1 by default. */
  readonly times?: number;
  /** The client leaves when it has read this much of the answer. */
  readonly leaveAfterBytes?: number;
}

/** What a client got: one answer. */
export interface ClientAnswer {
  readonly status: number;
  /** By lower-case name; several lines of a name are joined as the client joins them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  /** SHA-256 in hex. */
  readonly bodyHash: string;
}

export const uploadBytes = 2 * 1024 * 1024;
export const downloadBytes = 5 * 1024 * 1024;
const largeField = 'large '.repeat(2000).trim();

/** Bytes that look random, the same in every process and run. */
export const contentOf = (bytes: number): Buffer => {
  const random = seededRandom(bytes);
  const content = Buffer.alloc(bytes);
  for (let offset = 0; offset < bytes; offset += 4) content.writeUInt32LE(random() * 2 ** 32, offset);
  return content;
};

export const calls: readonly ClientCall[] = [
  { name: 'a plain GET', method: 'GET', path: '/small?q=1&r=%20x', fields: { 'X-Mine': 'to the end' } },
  {
    name: 'a POST of JSON',
    method: 'POST',
    path: '/echo',
    fields: { 'Content-Type': 'application/json' },
    body: { text: '{"a":[1,2,"drei"]}' },
  },
  { name: 'an upload with its length', method: 'PUT', path: '/echo', body: 'length' },
  { name: 'an upload in chunks', method: 'PUT', path: '/echo', body: 'chunked' },
  { name: 'a download', method: 'GET', path: '/download' },
  { name: 'several calls in a row', method: 'GET', path: '/small', times: 5 },
  { name: 'a redirect that is followed', method: 'GET', path: '/redirect' },
  {
    name: 'a field of 12 kB each way',
    method: 'GET',
    path: '/large-field',
    fields: { 'X-Large': largeField },
  },
  { name: 'an answer without content', method: 'GET', path: '/empty' },
  { name: 'an error of the server', method: 'GET', path: '/failing' },
  { name: 'a download that is left', method: 'GET', path: '/endless', leaveAfterBytes: 65_536 },
];

const download = contentOf(downloadBytes);

const sendDownload = (range: string | undefined, response: ServerResponse): void => {
  const from = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
  response.setHeader('accept-ranges', 'bytes').setHeader('etag', '"v1"');
  if (from === undefined) {
    response.end(download);
    return;
  }
  const rest = download.subarray(Number(from));
  response.statusCode = 206;
  response.setHeader('content-range', `bytes ${from}-${downloadBytes - 1}/${downloadBytes}`);
  response.end(rest);
};

/** More than all buffers on the way hold: whoever leaves early leaves before the end. */
const LONG_PIECES = 1024;

/** A download that takes longer than anybody stays; bounded, so that nothing goes on without end where nobody listens. */
const sendAtLength = (response: ServerResponse): void => {
  const piece = download.subarray(0, 65_536);
  let left = LONG_PIECES;
  const more = (): void => {
    // Who has left before this began is told of by no event any more.
    if (response.socket?.destroyed !== false) return;
    left -= 1;
    if (left === 0) response.end();
    else if (response.write(piece)) setImmediate(more);
    else response.once('drain', more);
  };
  more();
};

const echo = (call: Call, response: ServerResponse): void => {
  const { method, bodyBytes, bodyHash, headers } = call;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, bodyBytes, bodyHash, type: headers['content-type'] ?? null }));
};

/** What the server of the matrix answers. */
export const answerCall: Answer = (call, response, request) => {
  const [path] = call.path.split('?');
  if (path === '/download') return sendDownload(call.headers['range'] as string | undefined, response);
  if (path === '/endless') return sendAtLength(response);
  if (path === '/echo') return echo(call, response);
  if (path === '/redirect') {
    const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
    response.writeHead(302, { location: `${scheme}://${call.headers['host']}/landed` });
    return response.end('elsewhere');
  }
  if (path === '/large-field') {
    response.setHeader('x-large', largeField).setHeader('x-seen', hashOf(String(call.headers['x-large'])));
  }
  if (path === '/failing') response.statusCode = 404;
  if (path === '/empty') response.statusCode = 204;
  response.setHeader('set-cookie', ['a=1; Path=/', 'b=2']).setHeader('x-kept', 'as it is');
  return response.end(path === '/empty' ? undefined : `this is ${path}`);
};

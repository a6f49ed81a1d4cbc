import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { lastHead } from './command-client.ts';

/** What a program has to be told of a request by CGI (RFC 3875), and git's own additions. */
const environmentOf = (request: IncomingMessage, folder: string): Record<string, string> => {
  const { pathname, search } = new URL(request.url ?? '/', 'http://git.test');
  const { headers } = request;
  return {
    PATH: process.env['PATH'] ?? '',
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: '1',
    REMOTE_USER: 'anyone',
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(pathname),
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: String(headers['content-encoding'] ?? ''),
    HTTP_GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
  };
};

/** Answers one request by `git http-backend`, git's own server for its smart protocol. */
export const serveGit = (folder: string, request: IncomingMessage, response: ServerResponse): void => {
  const backend = spawn('git', ['http-backend'], { env: environmentOf(request, folder) });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => {});
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const { fields } = lastHead(`HTTP/1.1 200\r\n${head.toString('latin1', 0, end)}`);
    const { status = '200', ...others } = fields;
    response.writeHead(Number.parseInt(status, 10), others);
    response.write(head.subarray(end + 4));
    backend.stdout.off('data', onHead);
    backend.stdout.pipe(response);
  };
  backend.stdout.on('data', onHead);
};

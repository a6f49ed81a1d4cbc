/**
 * The service behind the proxies, as cheap as it can be: whatever is asked, the same bytes come back in one write.
 * A program of its own, so that it can be pinned to the generator's core. Usage: `node upstream.ts BODY_BYTES [CERT KEY]`,
 * over TLS where it is given a certificate.
 */

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import type { UpstreamReady } from './rig-messages.ts';

const headEnd = Buffer.from('\r\n\r\n');

function answer(bodyBytes: number): Buffer {
  const body = JSON.stringify({ data: 'x'.repeat(bodyBytes - '{"data":""}'.length) });
  const head = [
    'HTTP/1.1 200 OK',
    'Date: Thu, 01 Jan 2026 00:00:00 GMT',
    'Content-Type: application/json',
    'Cache-Control: no-store',
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

function serve(socket: Socket, bytes: Buffer): void {
  socket.setNoDelay(true);
  // Requests have no body and are not pipelined: bytes that end in an empty line end a request, however it was split.
  socket.on('data', (chunk: Buffer) => {
    if (chunk.subarray(-headEnd.length).equals(headEnd)) socket.write(bytes);
  });
  // A proxy that closes or resets a pooled connection does nothing wrong.
  socket.on('error', () => socket.destroy());
}

const bytes = answer(Number(process.argv[2]));
const [, , , certFile, keyFile] = process.argv;
const server =
  certFile === undefined || keyFile === undefined
    ? createServer((socket) => serve(socket, bytes))
    : createSecureServer(
        { cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ['http/1.1'] },
        (socket) => serve(socket, bytes),
      );
server.listen(0, '127.0.0.1', () => {
  const ready: UpstreamReady = { port: (server.address() as AddressInfo).port };
  process.send?.(ready);
});
process.on('disconnect', () => process.exit());

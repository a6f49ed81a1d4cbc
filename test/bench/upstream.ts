/**
 * The service behind the proxies, as cheap as it can be: whatever is asked, the same bytes come back in one write.
 * A program of its own, so that it can be pinned to the generator's core. Usage:
 * `node upstream.ts BODY_BYTES REQUEST_BYTES [CERT KEY]`, over TLS where it is given a certificate.
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

function serve(socket: Socket, bytes: Buffer, requestBytes: number): void {
  socket.setNoDelay(true);
  // Requests are not pipelined. Without content, bytes that end in an empty line end a request, however it was split.
  if (requestBytes === 0) {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.subarray(-headEnd.length).equals(headEnd)) socket.write(bytes);
    });
  } else {
    // What is missing of the content; -1: the head has not ended yet.
    let missing = -1;
    socket.on('data', (chunk: Buffer) => {
      const end = missing < 0 ? chunk.indexOf(headEnd) : -1;
      if (end >= 0) missing = requestBytes - (chunk.length - end - headEnd.length);
      else if (missing >= 0) missing -= chunk.length;
      if (missing !== 0) return;
      missing = -1;
      socket.write(bytes);
    });
  }
  // A proxy that closes or resets a pooled connection does nothing wrong.
  socket.on('error', () => socket.destroy());
}

const bytes = answer(Number(process.argv[2]));
const requestBytes = Number(process.argv[3]);
const [, , , , certFile, keyFile] = process.argv;
const server =
  certFile === undefined || keyFile === undefined
    ? createServer((socket) => serve(socket, bytes, requestBytes))
    : createSecureServer(
        { cert: readFileSync(certFile), key: readFileSync(keyFile), ALPNProtocols: ['http/1.1'] },
        (socket) => serve(socket, bytes, requestBytes),
      );
server.listen(0, '127.0.0.1', () => {
  const ready: UpstreamReady = { port: (server.address() as AddressInfo).port };
  process.send?.(ready);
});
process.on('disconnect', () => process.exit());

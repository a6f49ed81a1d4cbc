/**
 * The service behind the proxies where not every answer is the same: `…/large` brings 4 MiB, `…/fail` a 503, anything
 * else 128 bytes. Usage: `node path-upstream.ts [HOST]`; on 0.0.0.0 it still answers only those who came over loopback.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { LARGE_BYTES, type UpstreamReady } from './rig-messages.ts';

const answer = (status: string, bodyBytes: number): Buffer =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${bodyBytes}\r\n\r\n${'x'.repeat(bodyBytes)}`,
    'latin1',
  );

const small = answer('200 OK', 128);
const large = answer('200 OK', LARGE_BYTES);
const failure = answer('503 Service Unavailable', 32);

/** Without content, bytes that end in an empty line end a request, however it was split. */
function serve(socket: Socket): void {
  if (!/^(?:::ffff:)?127\./.test(socket.localAddress ?? '')) {
    socket.destroy();
    return;
  }
  socket.setNoDelay(true);
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (!head.endsWith('\r\n\r\n')) return;
    const path = head.split(' ', 2)[1] ?? '';
    head = '';
    socket.write(path.endsWith('/large') ? large : path.endsWith('/fail') ? failure : small);
  });
  socket.on('error', () => socket.destroy());
}

const server = createServer(serve);
server.listen({ port: 0, host: process.argv[2] ?? '127.0.0.1', backlog: 4096 }, () => {
  const ready: UpstreamReady = { port: (server.address() as AddressInfo).port };
  process.send?.(ready);
});
process.on('disconnect', () => process.exit());

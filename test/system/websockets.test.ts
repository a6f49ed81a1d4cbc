import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { type ClientOptions, WebSocket } from 'ws';
import { ConnectAgent } from '../rig/connect-agent.ts';
import { eventually } from '../rig/eventually.ts';
import type { Owner } from '../rig/owner.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { type EchoServer, startEchoServer } from '../rig/websocket-server.ts';

/** Client and server of the package `ws`, with the sidecar as a process between them. */

const closers: (() => unknown)[] = [];
const owner: Owner = { after: (close) => closers.unshift(close) };
let server: EchoServer;
let sidecar: SidecarProcess;
let ownPort = 0;

const start = (of: Owner, port: number, more: object = {}): Promise<SidecarProcess> =>
  startSidecarProcess(of, {
    upstreams: { chat: { hosts: ['chat.test'], listen: `127.0.0.1:${port}`, endpoints: [server.address] } },
    ...more,
  });

before(async () => {
  server = await startEchoServer(owner);
  ownPort = await freePort();
  sidecar = await start(owner, ownPort);
});

after(async () => {
  for (const close of closers) await close();
});

/** The three ways through the sidecar: by its Host, by the upstream's own port, by CONNECT. */
const ways = {
  'by Host': (path: string, options: ClientOptions) =>
    new WebSocket(`ws://127.0.0.1:${sidecar.egress.port}${path}`, {
      headers: { host: 'chat.test' },
      ...options,
    }),
  'by a port of its own': (path: string, options: ClientOptions) =>
    new WebSocket(`ws://127.0.0.1:${ownPort}${path}`, options),
  'by CONNECT': (path: string, options: ClientOptions) =>
    new WebSocket(`ws://chat.test${path}`, { agent: new ConnectAgent(sidecar.egress), ...options }),
} as const;
type Way = keyof typeof ways;

const plain: ClientOptions = { perMessageDeflate: false, maxPayload: 128 * 1024 * 1024 };

const open = async (of: Owner, way: Way = 'by Host', options = plain): Promise<WebSocket> => {
  const webSocket = ways[way]('/', options);
  of.after(() => webSocket.terminate());
  await once(webSocket, 'open');
  return webSocket;
};

/** The answer to one who wanted a WebSocket and does not get it. */
const refusal = async (path: string): Promise<IncomingMessage> => {
  const webSocket = ways['by Host'](path, plain);
  const [, response] = (await once(webSocket, 'unexpected-response')) as [unknown, IncomingMessage];
  // It complains that it was never open.
  webSocket.on('error', () => {});
  webSocket.terminate();
  return response;
};

/** The next so many messages. */
const hear = (webSocket: WebSocket, count: number): Promise<Buffer[]> =>
  new Promise((resolve, reject) => {
    const heard: Buffer[] = [];
    webSocket.on('close', (code: number) => reject(new Error(`closed with ${code} after ${heard.length}`)));
    webSocket.on('message', (data: Buffer) => {
      heard.push(data);
      if (heard.length === count) resolve(heard);
    });
  });

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

for (const way of Object.keys(ways) as Way[]) {
  test(`${way} a message of 64 MiB comes back as it was`, async (t) => {
    const webSocket = await open(t, way);
    const message = randomBytes(64 * 1024 * 1024);

    const heard = hear(webSocket, 1);
    webSocket.send(message);

    assert.equal(hash((await heard)[0]!), hash(message));
  });
}

test('ten thousand messages come back in their order', async (t) => {
  const webSocket = await open(t);
  const messages = Array.from({ length: 10_000 }, (_, i) => `message ${i}`);

  const heard = hear(webSocket, messages.length);
  for (const message of messages) webSocket.send(message);

  assert.deepEqual((await heard).map(String), messages);
});

test('a message in a thousand fragments of one byte is one message', async (t) => {
  const webSocket = await open(t);
  const text = 'x'.repeat(999);

  const heard = hear(webSocket, 1);
  for (const byte of text) webSocket.send(byte, { fin: false });
  webSocket.send('!', { fin: true });

  assert.equal(String((await heard)[0]), `${text}!`);
});

test('compressed messages go through as they are', async (t) => {
  const webSocket = await open(t, 'by Host', { ...plain, perMessageDeflate: true });
  const messages = Array.from({ length: 100 }, (_, i) => JSON.stringify({ i, text: 'again '.repeat(i) }));

  const heard = hear(webSocket, messages.length);
  for (const message of messages) webSocket.send(message);

  assert.equal(webSocket.extensions, 'permessage-deflate');
  assert.deepEqual((await heard).map(String), messages);
});

test('a ping is answered from end to end, and a close carries its code and reason both ways', async (t) => {
  const webSocket = await open(t);
  const pong = once(webSocket, 'pong');
  webSocket.ping('are you there?');
  const [payload] = (await pong) as [Buffer];
  const over = once(webSocket, 'close');

  webSocket.close(4001, 'had enough');

  const [code, reason] = (await over) as [number, Buffer];
  assert.equal(String(payload), 'are you there?');
  assert.deepEqual([code, String(reason)], [4001, 'had enough']);
  await eventually('the server was told, too', () => server.closed.includes('4001 had enough'));
});

test('a server that refuses is seen as the HTTP that it said', async () => {
  const response = await refusal('/secret');

  assert.equal(response.statusCode, 401);
  assert.equal(response.headers['www-authenticate'], 'Basic');
});

test('a thousand sockets are open at once, each hears its own, and nothing is left of them', async (t) => {
  const count = 1000;
  await sidecar.metricIs('tunnels_open', {}, 0);
  const before = sidecar.descriptors;
  const webSockets: WebSocket[] = [];
  for (let i = 0; i < count; i += 50) {
    webSockets.push(...(await Promise.all(Array.from({ length: 50 }, () => open(t)))));
  }
  await sidecar.metricIs('tunnels_open', {}, count);

  const heard = await Promise.all(
    webSockets.map((webSocket, i) => {
      const one = hear(webSocket, 1);
      webSocket.send(`to ${i}`);
      return one;
    }),
  );
  const response = await refusal('/');
  for (const webSocket of webSockets) webSocket.removeAllListeners('close').close(1000);

  assert.deepEqual(
    heard.map(String),
    Array.from({ length: count }, (_, i) => `to ${i}`),
  );
  // The limit of tunnels by default, to be had again as soon as they are closed.
  assert.equal(response.statusCode, 503);
  await sidecar.metricIs('tunnels_open', {}, 0);
  await eventually('its descriptors are as many as before', () => sidecar.descriptors <= before + 1);
  await open(t);
});

test('a draining sidecar leaves sockets open until they are closed, and then ends with 0', async (t) => {
  const port = await freePort();
  const draining = await start(t, port, { drain: { deadline: '1h', idleExit: '100ms' } });
  const webSockets = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`, plain);
      t.after(() => webSocket.terminate());
      await once(webSocket, 'open');
      return webSocket;
    }),
  );

  const exitCode = draining.drained();
  await eventually('it drains', () => draining.log.some(({ event }) => event === 'process.draining'));
  const heard = Promise.all(webSockets.map((webSocket) => hear(webSocket, 1)));
  for (const webSocket of webSockets) webSocket.send('still there?');
  await heard;
  for (const webSocket of webSockets) webSocket.removeAllListeners('close').close(1001);

  assert.equal(await exitCode, 0);
  await eventually('the log has come', () => draining.accessLog.length === 50);
  for (const { protocol, outcome } of draining.accessLog) {
    assert.deepEqual([protocol, outcome], ['upgrade', 'success']);
  }
});

test('at the deadline a draining sidecar cuts what is open, ends with 0, and has it in its log', async (t) => {
  const port = await freePort();
  const draining = await start(t, port, { drain: { deadline: '300ms', idleExit: '100ms' } });
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/`, plain);
  t.after(() => webSocket.terminate());
  await once(webSocket, 'open');
  webSocket.on('error', () => {});
  const over = once(webSocket, 'close');

  assert.equal(await draining.drained(), 0);

  const [code] = (await over) as [number];
  assert.equal(code, 1006);
  await eventually('the log has come', () => draining.accessLog.length === 1);
  assert.equal(draining.accessLog[0]!['outcome'], 'cancelled');
});

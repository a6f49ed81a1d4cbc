import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type DataListener, Port } from '../../src/listener/listening.ts';
import { Signal } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';

/** A port that nobody serves yet, and the server's ends of the connections that have come to it. */
const openPort = async (t: TestContext) => {
  const held: Socket[] = [];
  const changed = new Signal();
  const port = new Port();
  const address = await port.listen('127.0.0.1', 0);
  t.after(() => {
    for (const socket of held) socket.destroy();
    return port.close();
  });
  const note = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== address.port) return;
    held.push(socket);
    changed.raise();
  };
  diagnostics.subscribe('net.server.socket', note);
  t.after(() => diagnostics.unsubscribe('net.server.socket', note));
  const holds = (count: number): Promise<Socket> =>
    changed.until(() => (held.length < count ? null : held[count - 1]!));
  return { port, address, holds };
};

const listenerThat = (accept: (socket: Socket) => void): DataListener => ({
  begun: 0,
  busy: 0,
  open: 0,
  accept,
  drain() {},
  abandon() {},
});

test('connections that come before anybody serves the port are handed over in their order', async (t) => {
  const { port, address, holds } = await openPort(t);
  await connectRaw(t, address);
  const first = await holds(1);
  await connectRaw(t, address);
  const second = await holds(2);
  const accepted: Socket[] = [];

  port.leadTo(listenerThat((socket) => accepted.push(socket)));

  assert.deepEqual(accepted, [first, second]);
});

test('one that was reset meanwhile is handed to nobody: its end has been told already', async (t) => {
  const { port, address, holds } = await openPort(t);
  const gone = await connectRaw(t, address);
  const held = await holds(1);
  gone.reset();
  await new Promise((resolve) => held.once('close', resolve));
  let accepted = 0;

  port.leadTo(
    listenerThat(() => {
      accepted += 1;
    }),
  );

  assert.equal(accepted, 0);
});

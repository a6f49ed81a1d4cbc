import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Splice, type SpliceEnd } from '../../src/proxy/splice.ts';

/** One end whose other side may be gone: then the system refuses at once what is written. */
class BareEnd extends Duplex {
  isGone = false;

  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    done(this.isGone ? new Error('EPIPE') : undefined);
  }
}

const joined = () => {
  const [client, upstream] = [new BareEnd(), new BareEnd()];
  const over = Promise.withResolvers<SpliceEnd>();
  const observer = { moved() {}, upstreamSpoke() {}, ended: over.resolve };
  const [clientSocket, upstreamSocket] = [client as unknown as Socket, upstream as unknown as Socket];
  const connection = { socket: upstreamSocket, early: null, listen: () => {} };
  new Splice(clientSocket, upstreamSocket, observer).join({ socket: clientSocket, early: null }, connection);
  return { client, upstream, over: over.promise };
};

test('what the upstream refused at the last moment is told as broken off, though both halves have ended', async () => {
  const { client, upstream, over } = joined();
  upstream.push(null);
  await once(upstream, 'end');
  client.pause();
  client.push('the last words');
  client.push(null);
  upstream.isGone = true;
  client.resume();

  const end = await over;

  assert.deepEqual(
    { ...end, error: end.error?.message },
    { by: 'upstream', isOrderly: false, error: 'EPIPE' },
  );
});

test('both halves that ended in order are told so, whoever was first', async () => {
  for (const first of ['client', 'upstream'] as const) {
    const ends = joined();
    const second = first === 'client' ? 'upstream' : 'client';
    ends[first].push(null);
    await once(ends[first], 'end');
    ends[second].push('the last words');
    ends[second].push(null);

    assert.deepEqual(await ends.over, { by: first, isOrderly: true, error: null });
  }
});

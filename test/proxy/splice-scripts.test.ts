import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { BytePeer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { type SplicedPair, SplicedPairs } from '../rig/spliced-pair.ts';

/** Two ends, joined by a splice, do whatever chance tells them: what must hold of any such conversation. */

type Side = 'client' | 'upstream';
type Deed =
  | { readonly what: 'say'; readonly bytes: number }
  | { readonly what: 'pause' | 'resume' | 'end' | 'reset' | 'wait' };

interface Step {
  readonly side: Side;
  readonly deed: Deed;
}

const bytes = fc.constantFrom(1, 100, 5000, 9000, 70_000, 300_000);
const deedOf = (...whats: ('pause' | 'resume' | 'end' | 'reset' | 'wait')[]): fc.Arbitrary<Deed> =>
  fc.record({ what: fc.constantFrom(...whats) });
const saying: fc.Arbitrary<Deed> = fc.record({ what: fc.constant('say' as const), bytes });

const script = (last: fc.Arbitrary<Deed>) =>
  fc.array(
    fc.record({
      side: fc.constantFrom<Side>('client', 'upstream'),
      deed: fc.oneof(
        { weight: 6, arbitrary: saying },
        { weight: 3, arbitrary: deedOf('pause', 'resume') },
        { weight: 3, arbitrary: deedOf('wait') },
        { weight: 1, arbitrary: last },
      ),
    }),
    { maxLength: 30, size: 'max' },
  );

const early = fc.tuple(fc.constantFrom(0, 10, 60_000), fc.constantFrom(0, 10, 9000));

/** Bytes by which a piece can be told from its neighbours. */
const stream = Buffer.alloc(1024 * 1024);
for (let i = 0; i < stream.length; i += 1) stream[i] = (i * 31 + (i >> 8) * 17 + (i >> 16)) & 0xff;

/** One end that acts, and what it has said. */
class Actor {
  readonly peer: BytePeer;
  readonly said: Buffer[] = [];
  hasEnded = false;
  hasReset = false;
  #at = 0;

  constructor(peer: BytePeer, early: Buffer) {
    this.peer = peer;
    this.said.push(early);
  }

  act(deed: Deed): void {
    if (this.hasReset) return;
    if (deed.what === 'pause') this.peer.socket.pause();
    else if (deed.what === 'resume') this.peer.socket.resume();
    else if (deed.what === 'reset') {
      this.hasReset = true;
      this.peer.reset();
    } else if (this.hasEnded) return;
    else if (deed.what === 'end') this.end();
    else if (deed.what === 'say') this.#say(deed.bytes);
  }

  end(): void {
    if (this.hasEnded || this.hasReset) return;
    this.hasEnded = true;
    this.peer.end();
  }

  get all(): Buffer {
    return Buffer.concat(this.said);
  }

  #say(count: number): void {
    this.#at = (this.#at + 7919) % (stream.length - count);
    const piece = stream.subarray(this.#at, this.#at + count);
    this.said.push(piece);
    this.peer.say(piece);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const pairs = new SplicedPairs();
await pairs.listen({ after });

interface Played {
  readonly pair: SplicedPair;
  readonly client: Actor;
  readonly upstream: Actor;
}

const play = async (steps: readonly Step[], earlyBytes: readonly [number, number]): Promise<Played> => {
  const early = [stream.subarray(0, earlyBytes[0]), stream.subarray(0, earlyBytes[1])] as const;
  const pair = await pairs.make(early);
  const actors = { client: new Actor(pair.client, early[0]), upstream: new Actor(pair.upstream, early[1]) };
  for (const { side, deed } of steps) {
    if (deed.what === 'wait') await turn();
    else actors[side].act(deed);
  }
  for (const { peer } of [actors.client, actors.upstream]) peer.socket.resume();
  return { pair, ...actors };
};

/** What holds at the end of all: one end was told of, and nothing is left. */
const isWhollyOver = async ({ pair }: Played): Promise<void> => {
  await eventually('both ends and both sockets between them are closed', () => {
    return pair.closed === 2 && pair.client.closed !== null && pair.upstream.closed !== null;
  });
  assert.deepEqual(pair.complaints, []);
  assert.equal(pair.ends.length, 1);
};

const isPrefix = (part: Buffer, whole: Buffer): boolean =>
  part.length <= whole.length && part.equals(whole.subarray(0, part.length));

test('whatever both sides say and however they read, all of it arrives, and each half ends when its side has said so', async () => {
  const property = fc.asyncProperty(script(deedOf('end')), early, async (steps, earlyBytes) => {
    const played = await play(steps, earlyBytes);
    const { pair, client, upstream } = played;

    // Who has ended is heard to the end by the other, who may go on; then that one ends, too.
    const first = client.hasEnded || !upstream.hasEnded ? client : upstream;
    const second = first === client ? upstream : client;
    const isFirstKnown = !second.hasEnded;
    first.end();
    await eventually('the end of the first half has come', () => second.peer.hasEnded);
    second.end();
    await isWhollyOver(played);

    assert.ok(upstream.peer.received.equals(client.all), 'the upstream heard something else');
    assert.ok(client.peer.received.equals(upstream.all), 'the client heard something else');
    assert.deepEqual(
      [pair.splice.sentBytes, pair.splice.receivedBytes],
      [client.all.length, upstream.all.length],
    );
    assert.deepEqual([client.peer.closed, upstream.peer.closed], ['in order', 'in order']);
    const [end] = pair.ends;
    assert.equal(end!.isOrderly, true);
    if (isFirstKnown) assert.equal(end!.by, first === client ? 'client' : 'upstream');
  });
  await fc.assert(property, { numRuns: 150 });
});

test('whoever breaks it off and whenever, what arrives is the beginning of what was said, and the other is broken off', async () => {
  const property = fc.asyncProperty(
    script(deedOf('end', 'reset')),
    early,
    fc.constantFrom<Side>('client', 'upstream'),
    async (steps, earlyBytes, breaker) => {
      const played = await play(steps, earlyBytes);
      const { pair, client, upstream } = played;
      const isOneSided = !client.hasReset || !upstream.hasReset;
      const breaking = client.hasReset || upstream.hasReset ? null : played[breaker];
      breaking?.act({ what: 'reset' });
      const [broken, other] = client.hasReset ? [client, upstream] : [upstream, client];

      // A socket that has read to the end of a half notices by writing.
      if (!other.hasReset) other.act({ what: 'say', bytes: 1 });
      other.end();
      await isWhollyOver(played);

      assert.ok(isPrefix(upstream.peer.received, client.all), 'the upstream heard something else');
      assert.ok(isPrefix(client.peer.received, upstream.all), 'the client heard something else');
      assert.ok(pair.splice.sentBytes >= upstream.peer.receivedBytes);
      assert.ok(pair.splice.receivedBytes >= client.peer.receivedBytes);
      const [end] = pair.ends;
      if (isOneSided && end!.isOrderly) assert.ok(broken.hasEnded, 'a reset was told of as an orderly end');
      if (isOneSided && !end!.isOrderly) {
        assert.equal(end!.by, broken === client ? 'client' : 'upstream');
      }
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

for (const [what, breakOff] of [
  ['is broken off', ({ splice }: SplicedPair) => splice.abort()],
  ['loses its client', ({ inner }: SplicedPair) => inner[0].destroy(new Error('lost'))],
] as const) {
  test(`a conversation that ${what} at the moment in which a half ends leaves no socket`, async () => {
    const pair = await pairs.make([Buffer.alloc(0), Buffer.alloc(0)]);
    const [client] = pair.inner;
    // After the splice has heard of it: the end of the other half is on its way to the system.
    client.once('end', () => breakOff(pair));

    pair.client.end();

    await eventually('both sockets are closed', () => pair.closed === 2);
    pair.upstream.say('anybody there?');
    assert.equal(await pair.upstream.over(), 'by a reset');
  });
}

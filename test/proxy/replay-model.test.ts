import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BodyConsumer, BodySource } from '../../src/http1/body.ts';
import { ReplayPool } from '../../src/proxy/body-record.ts';
import { Replay } from '../../src/proxy/replay.ts';
import { type Command, checkModel, command, often, pick, type World } from '../rig/model-runs.ts';
import { type Piece, PlainReplay } from './plain-replay.ts';

const MAX_CONTENT = 200_000;
const TRAILERS = 'x-sum: 1\r\n';

const alphabet = Buffer.from(Array.from({ length: 251 }, (_, at) => at));

/** What each of the clients sends; a prime period, so that no two blocks are alike. */
const contents = [0, 1].map((client) => Buffer.alloc(MAX_CONTENT, alphabet.subarray(client)));

/** The client's stream: each byte is delivered once, and what waits stays where it is. */
class Client implements BodySource {
  readonly length: number;
  readonly isReplayable = false;
  readonly #content: Buffer;
  readonly #pieces: Piece[] = [];
  #consumer: BodyConsumer | null = null;
  #sent = 0;
  #isPaused = false;
  #isReading = false;

  constructor(content: Buffer, length: number) {
    this.#content = content;
    this.length = length;
  }

  sends(piece: Piece): void {
    this.#pieces.push(piece);
    this.#readOn();
  }

  attach(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#isPaused = false;
    this.#readOn();
  }

  detach(consumer: BodyConsumer): void {
    if (this.#consumer === consumer) this.#consumer = null;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#readOn();
  }

  #readOn(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#consumer !== null && !this.#isPaused && this.#pieces.length > 0) {
      const { bytes, isLast } = this.#pieces.shift()!;
      const packet = Buffer.from(this.#content.subarray(this.#sent, this.#sent + bytes));
      this.#sent += bytes;
      if (bytes > 0) this.#consumer.bodyData(packet);
      // The memory is used for the next packet at once.
      packet.fill(255);
      if (isLast) this.#consumer.bodyEnd(TRAILERS);
    }
    this.#isReading = false;
  }
}

/** Takes the content as a connection does: what comes must be the next bytes of it, and only while they are wanted. */
class Attempt implements BodyConsumer {
  readonly #request: RealRequest;
  readonly #appetite: number;
  #had = 0;
  got = 0;
  hasEnd = false;
  isPaused = false;
  isDetached = false;
  isAttaching = true;

  constructor(request: RealRequest, appetite: number) {
    this.#request = request;
    this.#appetite = appetite;
  }

  bodyData(chunk: Buffer): void {
    assert.ok(!this.isDetached, 'content for an attempt that was detached');
    assert.ok(!this.hasEnd, 'content after the end');
    assert.ok(!this.isPaused || this.isAttaching, 'content for an attempt that asked to wait');
    const due = this.#request.content.subarray(this.got, this.got + chunk.length);
    assert.ok(chunk.equals(due), `other bytes than the client's after ${this.got}`);
    this.got += chunk.length;
    this.#had += chunk.length;
    if (this.#had >= this.#appetite) this.pause();
  }

  bodyEnd(trailers: string): void {
    assert.ok(!this.isDetached, 'an end for an attempt that was detached');
    assert.ok(!this.hasEnd, 'a second end');
    assert.equal(trailers, TRAILERS);
    this.hasEnd = true;
  }

  pause(): void {
    this.isPaused = true;
    this.#request.replay.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.#had = 0;
    this.#request.replay.resume();
  }
}

interface RealRequest {
  readonly content: Buffer;
  readonly client: Client;
  readonly replay: Replay;
  readonly plain: PlainReplay;
  attempt: Attempt | null;
  readonly former: Attempt[];
}

interface Settings {
  readonly poolBytes: number;
  readonly limitBytes: number;
  readonly lengths: readonly number[];
}

/** Two requests that share one pool. */
class ReplayWorld implements World {
  readonly pool: ReplayPool;
  readonly requests: readonly RealRequest[];

  constructor({ poolBytes, limitBytes, lengths }: Settings) {
    this.pool = new ReplayPool(poolBytes);
    this.requests = lengths.map((length, index) => {
      const content = contents[index]!;
      const client = new Client(content, length);
      const replay = new Replay(client, this.pool, limitBytes, { moved() {} });
      const room = () => poolBytes - this.requests[1 - index]!.plain.heldBytes;
      return {
        content,
        client,
        replay,
        plain: new PlainReplay(length, limitBytes, room),
        attempt: null,
        former: [],
      };
    });
  }

  agree(): void {
    for (const { replay, plain, attempt } of this.requests) {
      assert.equal(replay.obstacle, plain.obstacle);
      assert.equal(replay.isReplayable, plain.isReplayable, 'replayable');
      assert.equal(replay.isStarved, plain.isStarved, 'starved');
      assert.equal(attempt?.got, plain.attempt?.got, 'bytes');
      assert.equal(attempt?.hasEnd, plain.attempt?.hasEnd, 'end');
      assert.equal(attempt?.isPaused, plain.attempt?.isPaused, 'paused');
    }
    const held = this.requests.reduce((sum, { plain }) => sum + plain.heldBytes, 0);
    assert.equal(this.pool.usedBytes, held, 'memory');
  }
}

type ReplayCommand = Command<ReplayWorld>;

const on = (which: number, words: string, run: (request: RealRequest) => void): ReplayCommand =>
  command(`${words} of request ${which}`, ({ requests }) => run(pick(requests, which)!));

const arrive = (which: number, bytes: number, mayBeLast: boolean): ReplayCommand =>
  on(which, `${bytes} bytes${mayBeLast ? ', the last,' : ''}`, ({ plain, client }) => {
    const { length, arrived } = plain;
    const left = (length < 0 ? MAX_CONTENT : length) - arrived;
    if (left <= 0 || plain.hasAllArrived) return;
    const piece = { bytes: Math.min(bytes, left), isLast: length < 0 ? mayBeLast : bytes >= left };
    plain.arrives(piece);
    client.sends(piece);
  });

/** From here on an attempt must hear nothing more. */
const leave = (request: RealRequest): void => {
  if (request.attempt === null) return;
  request.attempt.isDetached = true;
  request.former.push(request.attempt);
  request.attempt = null;
};

const attach = (which: number, appetite: number): ReplayCommand =>
  on(which, `attempt (${appetite})`, (request) => {
    const { plain, replay } = request;
    if (!plain.isReplayable && plain.taken > 0) return;
    const attempt = new Attempt(request, appetite);
    leave(request);
    request.attempt = attempt;
    plain.attach(appetite);
    replay.attach(attempt);
    attempt.isAttaching = false;
  });

const detach = (which: number): ReplayCommand =>
  on(which, 'detach', (request) => {
    const { plain, replay, attempt } = request;
    if (attempt === null) return;
    leave(request);
    plain.detach();
    replay.detach(attempt);
  });

/** By an attempt that is detached already: nothing happens to the present one. */
const detachLate = (which: number, former: number): ReplayCommand =>
  on(which, 'late detach', ({ replay, former: attempts }) => {
    const attempt = pick(attempts, former);
    if (attempt !== undefined) replay.detach(attempt);
  });

const pause = (which: number): ReplayCommand =>
  on(which, 'pause', ({ plain, attempt }) => {
    plain.pause();
    attempt?.pause();
  });

const resume = (which: number): ReplayCommand =>
  on(which, 'resume', ({ plain, attempt }) => {
    plain.resume();
    attempt?.resume();
  });

const forget = (which: number): ReplayCommand =>
  on(which, 'forget', ({ plain, replay }) => {
    plain.isForgotten = true;
    replay.forget();
  });

test('however it comes and is taken, each attempt gets the client’s bytes from the beginning, and memory goes back', () => {
  const settings = fc.record({
    poolBytes: fc.constantFrom(5000, 8192, 20_000, 60_000),
    limitBytes: fc.constantFrom(0, 100, 8192, 10_000, 40_000),
    lengths: fc.tuple(fc.constantFrom(-1, 500, 8192, 30_000), fc.constantFrom(-1, 8193)),
  });
  const which = fc.nat(1);
  const size = fc.oneof(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 8191, max: 8193 }),
    fc.integer({ min: 1, max: 20_000 }),
  );
  const appetite = fc.constantFrom(1, 9000, 1_000_000, 1_000_000);
  checkModel(settings, (chosen) => new ReplayWorld(chosen), [
    often(
      8,
      fc.tuple(which, size, fc.nat(9)).map(([one, bytes, rare]) => arrive(one, bytes, rare === 0)),
    ),
    often(
      3,
      fc.tuple(which, appetite).map(([one, bytes]) => attach(one, bytes)),
    ),
    often(2, which.map(detach)),
    often(
      1,
      fc.tuple(which, fc.nat(3)).map(([one, former]) => detachLate(one, former)),
    ),
    often(2, which.map(pause)),
    often(3, which.map(resume)),
    often(
      1,
      fc.tuple(which, fc.nat(3)).map(([one, rare]) => (rare === 0 ? forget(one) : resume(one))),
    ),
  ]);
});

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClientConnection } from '../../src/http1/client-connection.ts';
import { ClientPool, type ClientPoolBounds, type PoolWaiter } from '../../src/http1/client-pool.ts';
import type { Timer } from '../../src/lib/clock.ts';
import { type Command, checkModel, command, often, pick, type World } from '../rig/model-runs.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { type PlainCaller, PlainPool } from './plain-pool.ts';

/** The fraction keeps the end of somebody's patience apart from all that happens at whole milliseconds. */
const PATIENCE_MS = 900.5;

const wireBounds = {
  head: { lineBytes: 8192, headBytes: 8192, fields: 100 },
  chunked: { extensionBytes: 1024, trailerBytes: 8192, fields: 100 },
  informational: 20,
};

/** Takes, reserves or waits, in the order in which an attempt does. */
class Caller implements PoolWaiter {
  readonly #world: PoolWorld;
  readonly #plain: PlainCaller;
  #patience: Timer | null = null;

  constructor(world: PoolWorld, plain: PlainCaller) {
    this.#world = world;
    this.#plain = plain;
  }

  call(): void {
    const { pool, clock } = this.#world;
    const kept = pool.take();
    if (kept !== null && !this.#plain.mustBeFresh) {
      this.#hears(`has ${this.#world.nameOf(kept)}`);
      return;
    }
    kept?.destroy();
    if (pool.reserve()) {
      this.#hears('dials');
      if (this.#plain.failsAtOnce) pool.forgo();
    } else {
      pool.wait(this);
      this.#patience ??= clock.after(PATIENCE_MS, () => {
        pool.stopWaiting(this);
        this.#hears('gives up');
      });
    }
  }

  placeFree(): void {
    this.call();
  }

  #hears(word: string): void {
    this.#patience?.cancel();
    this.#world.words.push(`${this.#plain.name} ${word}`);
  }
}

class PoolWorld implements World {
  readonly clock = new VirtualClock(0);
  readonly words: string[] = [];
  readonly pool: ClientPool;
  readonly plain: PlainPool;
  readonly connections: ClientConnection[] = [];
  readonly #destroyed = new Set<number>();
  #callers = 0;

  constructor(bounds: ClientPoolBounds) {
    this.pool = new ClientPool(this.clock, bounds);
    this.plain = new PlainPool(bounds);
  }

  newCaller(mustBeFresh: boolean, failsAtOnce: boolean): { plain: PlainCaller; real: Caller } {
    this.#callers += 1;
    const plain = { name: this.#callers, mustBeFresh, failsAtOnce, givesUpAt: this.plain.now + PATIENCE_MS };
    return { plain, real: new Caller(this, plain) };
  }

  newConnection(): number {
    const name = this.connections.length;
    const socket = Object.assign(new EventEmitter(), { destroy: () => this.#destroyed.add(name) });
    this.connections.push(new ClientConnection(socket as unknown as Socket, this.pool, wireBounds));
    return name;
  }

  nameOf(connection: ClientConnection): number {
    return this.connections.indexOf(connection);
  }

  agree(): void {
    const { pool, plain } = this;
    assert.equal(this.words.join(', '), plain.words.join(', '));
    assert.equal(pool.idle, plain.idle.length, 'idle');
    assert.equal(pool.size, plain.places, 'places');
    assert.equal(this.connections.length - this.#destroyed.size, plain.living.length, 'open sockets');
    assert.ok(
      plain.living.every((connection) => !this.#destroyed.has(connection)),
      'the wrong one was closed',
    );
    assert.equal(this.clock.pendingTimers, plain.timers, 'timers');
    assert.ok(pool.size <= plain.bounds.connections, 'above the limit');
    if (plain.waiting.length > 0) {
      assert.equal(pool.idle, 0, 'somebody waits beside an idle connection');
      assert.equal(pool.size, plain.bounds.connections, 'somebody waits beside a free place');
    }
  }
}

type PoolCommand = Command<PoolWorld>;

const call = (mustBeFresh: boolean, failsAtOnce = false): PoolCommand =>
  command(`call${mustBeFresh ? ' for a new one' : ''}${failsAtOnce ? ' in vain' : ''}`, (world) => {
    const { plain, real } = world.newCaller(mustBeFresh, failsAtOnce);
    world.plain.call(plain);
    real.call();
  });

const connect = (which: number): PoolCommand =>
  command(`connect(${which})`, (world) => {
    const caller = pick(world.plain.dialling, which);
    if (caller !== undefined) world.plain.dialEnded(caller, world.newConnection());
  });

const dialFails = (which: number): PoolCommand =>
  command(`dial fails(${which})`, ({ plain, pool }) => {
    const caller = pick(plain.dialling, which);
    if (caller === undefined) return;
    plain.dialEnded(caller, null);
    pool.forgo();
  });

const discard = (which: number): PoolCommand =>
  command(`discard(${which})`, ({ plain, pool, connections }) => {
    const connection = pick(plain.inUse, which);
    if (connection === undefined) return;
    plain.discard(connection);
    pool.discarding(connections[connection]!);
  });

const release = (which: number, keepAliveMs: number): PoolCommand =>
  command(`release(${which}, ${keepAliveMs})`, ({ plain, pool, connections }) => {
    const connection = pick([...plain.inUse, ...plain.discarding], which);
    if (connection === undefined) return;
    plain.release(connection, keepAliveMs);
    pool.released(connections[connection]!, keepAliveMs);
  });

const lose = (which: number): PoolCommand =>
  command(`lose(${which})`, ({ plain, connections }) => {
    const connection = pick(plain.living, which);
    if (connection === undefined) return;
    plain.lose(connection);
    connections[connection]!.socket.emit('close', false);
  });

const wait = (ms: number): PoolCommand =>
  command(`wait(${ms})`, ({ plain, clock }) => {
    plain.advance(ms);
    clock.advance(ms);
  });

const remove: PoolCommand = command('remove the endpoint', ({ plain, pool }) => {
  plain.close();
  pool.close();
});

test('whatever callers, servers and the clock do, each connection is in one place and nobody waits beside a free one', () => {
  const bounds = fc.record({
    connections: fc.integer({ min: 1, max: 4 }),
    maxIdle: fc.nat(3),
    idleMs: fc.constantFrom(2500, 4000, Number.POSITIVE_INFINITY),
  });
  const keepAliveMs = fc.constantFrom(-1, -1, 0, 1000, 1500, 3000, 60_000);
  checkModel(bounds, (chosen) => new PoolWorld(chosen), [
    often(6, fc.constant(call(false))),
    often(1, fc.constant(call(true))),
    often(1, fc.constant(call(false, true))),
    often(5, fc.nat(5).map(connect)),
    often(1, fc.nat(5).map(dialFails)),
    often(1, fc.nat(5).map(discard)),
    often(
      5,
      fc.tuple(fc.nat(5), keepAliveMs).map(([which, ms]) => release(which, ms)),
    ),
    often(2, fc.nat(5).map(lose)),
    often(3, fc.nat(1500).map(wait)),
    often(
      1,
      fc.nat(9).map((rare) => (rare === 0 ? remove : wait(rare))),
    ),
  ]);
});

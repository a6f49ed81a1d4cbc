import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import type { Owner } from './owner.ts';
import { Program } from './program.ts';
import { freePort } from './sidecar-process.ts';

/** Why no Redis can be started here; false: one can. */
export const redisMissing: string | false =
  spawnSync('redis-server', ['--version']).error === undefined &&
  spawnSync('redis-cli', ['--version']).error === undefined
    ? false
    : 'Redis is not installed (Debian: redis-server, redis-tools)';

/** A Redis of the test's own that writes nothing to disk. */
export class RedisProcess {
  readonly port: number;
  readonly #owner: Owner;
  #process: Program | null = null;

  constructor(owner: Owner, port: number) {
    this.#owner = owner;
    this.port = port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process!.child.pid!;
  }

  /** Starts it, again after {@link kill}, and waits until it takes connections. */
  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#process = new Program(this.#owner, 'redis-server', args);
    await eventually('Redis takes connections', () => this.#isListening(), 30_000);
  }

  kill(): Promise<void> {
    return this.#process!.kill();
  }

  #isListening(): Promise<boolean> {
    if (this.#process!.end !== null) throw new Error(`Redis ended: ${this.#process!.stdout}`);
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.port });
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
  }
}

/** Starts one; it goes with its owner. */
export const startRedis = async (owner: Owner): Promise<RedisProcess> => {
  const redis = new RedisProcess(owner, await freePort());
  await redis.start();
  return redis;
};

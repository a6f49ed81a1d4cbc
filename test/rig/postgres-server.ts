import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pidsOfTree } from '../bench/process-tree.ts';
import { eventually } from './eventually.ts';
import type { Owner } from './owner.ts';
import { Program, runProgram } from './program.ts';
import { freePort } from './sidecar-process.ts';

/** Where Debian puts the server's programs, which are not on the path; undefined: they are not installed. */
const programs = globSync('/usr/lib/postgresql/*/bin').filter((folder) =>
  existsSync(join(folder, 'initdb')),
)[0];

/** Why no PostgreSQL can be started here; false: one can. */
export const postgresMissing: string | false =
  programs === undefined ? 'PostgreSQL is not installed (Debian: postgresql)' : false;

const numberOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres']).stdout.toString());

/** The server does not run as root: then it is Debian's user for it. */
const serverUser = () =>
  process.getuid?.() === 0 ? { user: { uid: numberOf('-u'), gid: numberOf('-g') } } : {};

/** A PostgreSQL of the test's own: a new cluster in a folder that goes with its owner, reached by loopback alone. */
export class PostgresServer {
  readonly port: number;
  readonly #owner: Owner;
  readonly #folder: string;
  #process: Program | null = null;

  constructor(owner: Owner, folder: string, port: number) {
    this.#owner = owner;
    this.#folder = folder;
    this.port = port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Makes the cluster: a superuser `postgres` who needs no password. */
  async create(): Promise<void> {
    const args = [
      '-D',
      this.#folder,
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ];
    await runProgram(this.#owner, join(programs!, 'initdb'), args, serverUser());
  }

  /** Starts it, again after {@link kill}, and waits until it answers. */
  async start(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.#folder,
      // Nothing here outlives the test.
      fsync: 'off',
      max_connections: 120,
      shared_buffers: '32MB',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#process = new Program(
      this.#owner,
      join(programs!, 'postgres'),
      ['-D', this.#folder, ...args],
      serverUser(),
    );
    await eventually('PostgreSQL answers', () => this.#isReady(), 30_000);
  }

  /** Kills the process that the others belong to, as nobody can refuse, and waits until these have noticed. */
  async kill(): Promise<void> {
    const all = pidsOfTree(this.#process!.child.pid!);
    await this.#process!.kill();
    await eventually('no backend is left', () => !all.some(isAlive));
  }

  #isReady(): boolean {
    if (this.#process!.end !== null) throw new Error(`PostgreSQL ended: ${this.#process!.stderr}`);
    const { status } = spawnSync('pg_isready', ['-q', '-h', '127.0.0.1', '-p', String(this.port)]);
    return status === 0;
  }
}

/** False for one that only waits for somebody to ask how it ended, too. */
const isAlive = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
};

/** Starts one; it goes with its owner. */
export const startPostgres = async (owner: Owner): Promise<PostgresServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-postgres-'));
  const { user } = serverUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const server = new PostgresServer(owner, folder, await freePort());
  await server.create();
  await server.start();
  owner.after(async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return server;
};

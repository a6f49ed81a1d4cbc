import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the group used, in bytes. */
export interface GroupMemory {
  /** Most at any time, the files' pages that the kernel keeps in memory included. */
  readonly peak: number;
  /** Now, without files: what cannot be given up. */
  readonly anonymous: number;
  /** Now, of files: the kernel gives it up where memory is short. */
  readonly file: number;
  /** Processes that were killed because of the limit. */
  readonly kills: number;
}

/** How the two versions of control groups name the same. */
interface Names {
  readonly limit: string;
  readonly peak: string;
  readonly anonymous: string;
  readonly file: string;
  readonly kills: string;
}

const second: Names = {
  limit: 'memory.max',
  peak: 'memory.peak',
  anonymous: 'anon',
  file: 'file',
  kills: 'memory.events',
};
const first: Names = {
  limit: 'memory.limit_in_bytes',
  peak: 'memory.max_usage_in_bytes',
  anonymous: 'rss',
  file: 'cache',
  kills: 'memory.oom_control',
};

/** Where a group can be made, by either version; null: by none. */
const parentGroup = (): { readonly parent: string; readonly names: Names } | null => {
  const controllers = '/sys/fs/cgroup/cgroup.controllers';
  if (existsSync(controllers) && readFileSync(controllers, 'utf8').includes('memory')) {
    writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory');
    return { parent: '/sys/fs/cgroup', names: second };
  }
  const own = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const parent = join('/sys/fs/cgroup/memory', own ?? '');
  return own !== undefined && existsSync(parent) ? { parent, names: first } : null;
};

/** A control group with a limit on memory, as the container of a pod has. Made by hand, so it needs root. */
export class MemoryLimit {
  readonly folder: string;
  readonly #names: Names;

  constructor(bytes: number) {
    const found = parentGroup();
    if (found === null) throw new Error('there is no control group for memory here');
    this.folder = join(found.parent, `outrigger-try-${process.pid}`);
    this.#names = found.names;
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, this.#names.limit), String(bytes));
  }

  get memory(): GroupMemory {
    const { peak, anonymous, file, kills } = this.#names;
    return {
      peak: Number(this.#text(peak)),
      anonymous: this.#field('memory.stat', anonymous),
      file: this.#field('memory.stat', file),
      kills: this.#field(kills, 'oom_kill'),
    };
  }

  /** When no process is in it any more. */
  remove(): void {
    rmdirSync(this.folder);
  }

  #text(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  #field(file: string, name: string): number {
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(this.#text(file))?.[1]);
  }
}

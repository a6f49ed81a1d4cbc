import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What an image says of itself, in the words of its format. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly StopSignal: string;
  readonly Healthcheck: { readonly Test: readonly string[] };
  readonly Labels: Readonly<Record<string, string>>;
}

/** Unpacks the archive of an image: its root file system goes to `root`. */
export const unpack = (archive: string, root: string): ImageConfig => {
  const folder = `${root}.archive`;
  for (const each of [folder, root]) mkdirSync(each, { recursive: true });
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  const [image] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as [
    { readonly Config: string; readonly Layers: readonly string[] },
  ];
  for (const layer of image.Layers) execFileSync('tar', ['-xpf', join(folder, layer), '-C', root]);
  execFileSync('rm', ['-r', folder]);
  const { config } = JSON.parse(
    execFileSync('tar', ['-xOf', archive, image.Config], { encoding: 'utf8' }),
  ) as { config: ImageConfig };
  return config;
};

/** What a container runtime adds to an image: mount points, and files over files of it. */
export const addMountPoints = (root: string): void => {
  for (const folder of ['proc', 'dev', 'sys/fs/cgroup']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'dev/null'), '');
};

export interface ContainerOptions {
  readonly root: string;
  readonly user: string;
  readonly command: readonly string[];
  readonly env: readonly string[];
  /** What `docker run --read-only` does. Default true. */
  readonly isReadOnly?: boolean;
  /** Paths of this machine by the path that they are laid over. */
  readonly volumes?: Readonly<Record<string, string>>;
  /** The folder of a control group to be in. */
  readonly group?: string;
}

// What a runtime does: in namespaces of its own for mounts and processes, without any capability in the end. The last
// three are needed to get there; a user other than root keeps none of them.
const script = `set -e
[ -z "$GROUP" ] || echo 0 > "$GROUP/cgroup.procs"
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --bind /dev/null "$ROOT/dev/null"
mount --rbind /sys/fs/cgroup "$ROOT/sys/fs/cgroup"
for volume in $VOLUMES; do
  mount --bind "\${volume%%:*}" "$ROOT\${volume#*:}"
  mount -o remount,bind,ro "$ROOT\${volume#*:}"
done
[ "$MODE" = rw ] || mount -o remount,bind,ro "$ROOT"
exec env -i "$@"`;

/** A process in an image's root, as a runtime would start it. */
export class Container {
  static readonly #running = new Set<Container>();
  readonly #child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  #output = '';

  constructor({ root, user, command, env, isReadOnly = true, volumes = {}, group = '' }: ContainerOptions) {
    const [uid = '', gid = uid] = user.split(':');
    const drop = ['setpriv', '--no-new-privs', '--inh-caps=-all'];
    drop.push('--bounding-set=-all,+sys_chroot,+setuid,+setgid');
    const enter = ['chroot', `--userspec=${uid}:${gid}`, '--groups=', root];
    this.#child = spawn(
      'unshare',
      ['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh', ...env, ...drop, ...enter, ...command],
      {
        env: {
          PATH: process.env['PATH'] ?? '',
          ROOT: root,
          GROUP: group,
          MODE: isReadOnly ? 'ro' : 'rw',
          VOLUMES: Object.entries(volumes)
            .map(([to, from]) => `${from}:${to}`)
            .join(' '),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    Container.#running.add(this);
    this.ended = once(this.#child, 'close').then(([code]) => {
      Container.#running.delete(this);
      return { code, output: this.#output };
    });
  }

  /** Ends all that are still running, whatever they do, and shows what they said last. */
  static async killAll(): Promise<void> {
    for (const container of Container.#running) {
      process.stderr.write(container.output.slice(-2000));
      // The process itself: a change of user has taken away the bond between it and its parent.
      container.stop('SIGKILL');
      await container.ended;
    }
  }

  get output(): string {
    return this.#output;
  }

  /** The process in the container as this machine numbers it; in the container it is 1. */
  get pid(): number {
    const { pid } = this.#child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }

  /** A field of the process's status, such as `VmRSS`. */
  status(field: string): string {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(text)?.[1] ?? '';
  }

  stop(signal: string): void {
    process.kill(this.pid, signal as NodeJS.Signals);
  }
}

/** Makes the kernel forget what it keeps of this file, so that whoever reads it next is charged for it. */
export const forgetPages = (file: string): void => {
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'], { cwd: dirname(file) });
};

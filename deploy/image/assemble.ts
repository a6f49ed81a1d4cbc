/**
 * `node assemble.ts PROGRAM ROOT`: what the image needs beside the bundle, made in the stage that builds. PROGRAM
 * (`/outrigger`, with the bundle in it) gets this Node, the libraries that it needs and a compile cache, and can then be
 * copied to any image; ROOT gets the rest of a root file system: where the loader looks, who the user is, and what a
 * scanner reads.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { defaultConfig } from '../../src/config/default-config.ts';

/** Whom the image runs as: `USER` in the Dockerfile. */
const user = 65532;

const [program = '', root = ''] = process.argv.slice(2);

const output = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8' });

const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

const copy = (from: string, to: string, mode: number): void => {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(from), to);
  chmodSync(to, mode);
};

/** The shared libraries that an executable needs, the loader among them, where they lie here. */
const librariesOf = (executable: string): string[] => {
  // `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`; the loader stands by itself.
  const paths = output('ldd', executable).matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm);
  return Array.from(paths, ([, path]) => path!);
};

/** The loader looks where Debian has the libraries; there are links to where they are. */
const copyLibraries = (libraries: readonly string[]): void => {
  const folder = join(program, 'lib');
  for (const library of libraries) {
    copy(library, join(folder, basename(library)), 0o755);
    if (!basename(library).startsWith('ld-linux')) continue;
    symlinkSync(basename(library), join(folder, 'ld.so'));
    mkdirSync(join(root, dirname(library)), { recursive: true });
    symlinkSync(join(folder, basename(library)), join(root, library));
  }
  const searched = dirname(libraries.find((path) => basename(path) === 'libc.so.6')!);
  mkdirSync(join(root, dirname(searched)), { recursive: true });
  symlinkSync(folder, join(root, searched));
};

/** The Debian package that a file belongs to. It may be asked for by the path before /lib became a link to /usr/lib. */
const debianPackageOf = (path: string): string => {
  const real = realpathSync(path);
  for (const candidate of [path, real, real.replace(/^\/usr/, ''), `/usr${path}`]) {
    try {
      // `libc6:amd64: /usr/lib/…`; other lines tell of diversions.
      const found = /^([a-z0-9.+-]+)(?::\S+)?: \//m.exec(output('dpkg-query', '--search', candidate));
      if (found !== null) return found[1]!;
    } catch {}
  }
  throw new Error(`no package has ${path}`);
};

/** Scanners read which packages of Debian there are from here, as in images without a package manager. */
const describePackages = (libraries: readonly string[]): void => {
  copy('/etc/os-release', join(root, 'etc/os-release'), 0o644);
  for (const name of new Set(libraries.map(debianPackageOf))) {
    put(join(root, 'var/lib/dpkg/status.d', name), output('dpkg-query', '--status', name));
    copy(`/usr/share/doc/${name}/copyright`, join(program, 'licenses', name), 0o644);
  }
};

/** An answer of the proxy itself, so that what a first request needs is compiled too. */
const callOnce = async (address: string): Promise<void> => {
  const socket = connect(Number(address.slice(address.lastIndexOf(':') + 1)), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: localhost:1\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
};

/** The sidecar runs once, as it will in the image, and leaves what was compiled. */
const fillCompileCache = async (): Promise<void> => {
  const cache = join(program, 'cache');
  mkdirSync(cache);
  chownSync(cache, user, user);
  const env = { NODE_COMPILE_CACHE: cache, OUTRIGGER_EGRESS: '127.0.0.1:0', OUTRIGGER_ADMIN: '127.0.0.1:0' };
  const command = [join(program, 'node'), '--disable-sigusr1', join(program, 'outrigger.js'), 'run'] as const;
  const child = spawn(command[0], command.slice(1), {
    env,
    uid: user,
    gid: user,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, egress, admin } = JSON.parse(line) as Readonly<Record<string, string>>;
    if (event !== 'process.started') continue;
    await callOnce(egress!);
    execFileSync(command[0], [join(program, 'health.js')], {
      env: { ...env, OUTRIGGER_ADMIN: admin },
      uid: user,
      gid: user,
    });
    child.kill('SIGTERM');
  }
  const [code] = await exit;
  if (code !== 0) throw new Error(`the program ended with ${code}`);
};

/** The cache is nobody's to write, like all else in the image, and everybody's to read. */
const sealCache = (): void => {
  const cache = join(program, 'cache');
  chownSync(cache, 0, 0);
  for (const entry of readdirSync(cache, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    chmodSync(path, entry.isDirectory() ? 0o755 : 0o644);
    chownSync(path, 0, 0);
  }
};

const node = realpathSync(process.execPath);
const libraries = librariesOf(node);
rmSync(root, { recursive: true, force: true });
copy(node, join(program, 'node'), 0o755);
copyLibraries(libraries);
copy(join(dirname(node), '../LICENSE'), join(program, 'licenses/node'), 0o644);
copy('LICENSE', join(program, 'LICENSE'), 0o644);
describePackages(libraries);
put(join(root, 'etc/outrigger/outrigger.yaml'), defaultConfig);
put(join(root, 'etc/passwd'), `outrigger:x:${user}:${user}:Outrigger:/nonexistent:/nonexistent\n`);
put(join(root, 'etc/group'), `outrigger:x:${user}:\n`);
await fillCompileCache();
sealCache();

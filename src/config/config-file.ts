import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

export type FileContent =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string; readonly hint: string };

/** What files held when they were read, as {@link contentMark} by path. */
export type ReadFiles = ReadonlyMap<string, string>;

const openErrors: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOENT: ['there is no such file', ''],
  ENOTDIR: ['there is no such file', ''],
  EACCES: ['the file may not be read', 'check its permissions'],
  ENXIO: ['is not a regular file', ''],
  ELOOP: ['the file is a loop of symbolic links', ''],
};

/** More than this is not a configuration. 1 MiB. */
const maxFileBytes = 1_048_576;

const refused = (message: string, hint = ''): FileContent => ({ ok: false, message, hint });

const readOpen = (fd: number): FileContent => {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) return refused('is a directory', 'name a file');
  if (!stat.isFile()) return refused('is not a regular file');
  // A file may be longer than it says (in /proc), and may grow: what counts is what can be read.
  const buffer = Buffer.allocUnsafe(maxFileBytes + 1);
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    if (count === 0 || length === buffer.length) break;
  }
  if (length > maxFileBytes) return refused('is larger than 1MiB');
  // A copy, so that a fallback's few bytes do not hold on to the whole buffer.
  return { ok: true, bytes: new Uint8Array(buffer.subarray(0, length)) };
};

/** Reads a regular file of at most 1 MiB. Never waits for anything else, such as the writer of a FIFO. */
export const readConfigFile = (path: string): FileContent => {
  if (path.includes('\0')) return refused('there is no such file');
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a FIFO would wait for its writer before anyone could look at what it is.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    const known = openErrors[code];
    return known === undefined ? refused(`cannot be opened: ${code}`) : refused(...known);
  }
  try {
    return readOpen(fd);
  } catch (error) {
    return refused(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`);
  } finally {
    closeSync(fd);
  }
};

/**
 * Tells one content from another; of a file that cannot be read, one reason from another. The content itself: it is small
 * as a rule, and a hash of it would load the whole of `node:crypto` at each start.
 */
export const contentMark = (content: FileContent): string =>
  content.ok ? `read: ${Buffer.from(content.bytes).toString('latin1')}` : `not read: ${content.message}`;

/** UTF-8, with or without a byte order mark; null for anything else. */
export const decodeText = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
};

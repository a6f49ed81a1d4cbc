import { readFileSync, statSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { tls } from '../lib/late-builtins.ts';
import { checkTlsFiles, type TlsFileBytes, type TlsFileKey } from '../lib/tls-files.ts';
import type { Bus } from '../telemetry/events.ts';
import type { TlsSettings } from './sources.ts';
import { TlsSessions } from './tls-sessions.ts';

/** How long the files are believed without looking whether they have changed. */
const CHECK_EVERY_MS = 5000;
/** What is longer is no certificate. */
const MAX_FILE_BYTES = 1_048_576;

/** What new connections are made with. Sessions belong to what verified them: they go with it. */
export interface TlsContext {
  readonly secure: SecureContext;
  readonly sessions: TlsSessions;
}

export interface TlsContextOptions {
  /** Of the upstream, for the log. */
  readonly name: string;
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly bus: Pick<Bus, 'tlsFilesChanged'>;
}

const keys: readonly TlsFileKey[] = ['ca', 'cert', 'key'];

/**
 * Built from the files of one upstream, and anew when they have changed: looked at once in five seconds at most, and
 * only when somebody dials. What cannot be used, because it is missing, half written, or a certificate beside another
 * one's key, is told once and changes nothing. Connections that are open stay as they are.
 */
export class TlsContextSource {
  readonly #options: TlsContextOptions;
  #checkAt: number;
  #version = '';
  #context: TlsContext | null = null;
  #problem = '';

  constructor(options: TlsContextOptions) {
    this.#options = options;
    // Not at the first call: reading the system's CAs takes a tenth of a second.
    this.#checkAt = options.clock.now() + CHECK_EVERY_MS;
    this.#look();
  }

  /** null: there has never been one, and {@link problem} says why. */
  get current(): TlsContext | null {
    const now = this.#options.clock.now();
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_EVERY_MS;
      this.#look();
    }
    return this.#context;
  }

  /** Why the files cannot be used as they are; empty: they can. */
  get problem(): string {
    return this.#problem;
  }

  /** Whom we trust, for people. */
  get roots(): string {
    return this.#options.settings.files.ca ?? "the system's CAs";
  }

  #look(): void {
    const { files, minVersion } = this.#options.settings;
    const version = versionOf(files);
    if (version === this.#version && this.#context !== null) return;
    // After the version: what changes from now on is seen at the next look, should half of it have been read.
    const read = readFiles(files);
    const isFirst = this.#version === '';
    const isRepeated = this.#version === version;
    this.#version = version;
    this.#problem = typeof read === 'string' ? read : '';
    if (typeof read !== 'string') {
      const secure = isWithoutFiles(files) ? plainContext(minVersion) : newContext(read, minVersion);
      this.#context = { secure, sessions: new TlsSessions() };
    }
    if (!isRepeated && !(isFirst && this.#problem === '')) this.#tell();
  }

  #tell(): void {
    const { name, settings, clock, bus } = this.#options;
    const named = keys.map((key) => settings.files[key]).filter((file) => file !== null);
    bus.tlsFilesChanged({
      upstream: name,
      result: this.#problem === '' ? 'taken_over' : 'refused',
      why: this.#problem === '' ? named.join(', ') : this.#problem,
      at: clock.wallTime(),
    });
  }
}

type Files = TlsSettings['files'];

const isWithoutFiles = ({ ca, cert, key }: Files): boolean => ca === null && cert === null && key === null;

/** What distinguishes the files from what they were before, through symbolic links, as secrets in Kubernetes are. */
const versionOf = (files: Files): string => keys.map((key) => fileVersion(files[key])).join('; ');

const fileVersion = (path: string | null): string => {
  if (path === null) return 'none';
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error';
  }
};

/** Else what is wrong, in words. */
const readFiles = (files: Files): TlsFileBytes | string => {
  const bytes: Record<TlsFileKey, Uint8Array | null> = { ca: null, cert: null, key: null };
  for (const key of keys) {
    const path = files[key];
    if (path === null) continue;
    const read = readSmallFile(path);
    if (typeof read === 'string') return `${path}: ${read}`;
    bytes[key] = read;
  }
  const fault = checkTlsFiles(bytes);
  return fault === null ? bytes : `${files[fault.key]}: ${fault.message}`;
};

const readSmallFile = (path: string): Uint8Array | string => {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return 'is not a regular file';
    if (stat.size > MAX_FILE_BYTES) return 'is larger than 1MiB';
    return readFileSync(path);
  } catch (error) {
    return `cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`;
  }
};

let systemRoots: readonly string[] | null = null;

/**
 * Those of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` move them), or Node's own list where it has none, and what
 * `NODE_EXTRA_CA_CERTS` adds. Read once: they are a part of the image, not of the configuration.
 */
const trustedRoots = (): readonly string[] => {
  if (systemRoots !== null) return systemRoots;
  const { getCACertificates } = tls();
  const found = getCACertificates('system');
  // One certificate may stand in several files.
  const all = [...(found.length > 0 ? found : getCACertificates('bundled')), ...getCACertificates('extra')];
  systemRoots = [...new Set(all)];
  return systemRoots;
};

const newContext = ({ ca, cert, key }: TlsFileBytes, minVersion: TlsSettings['minVersion']): SecureContext =>
  tls().createSecureContext({
    ca: ca === null ? [...trustedRoots()] : Buffer.from(ca),
    ...(cert === null ? {} : { cert: Buffer.from(cert) }),
    ...(key === null ? {} : { key: Buffer.from(key) }),
    minVersion: `TLSv${minVersion}`,
  });

/** Of upstreams without files, shared by all of them: the system's roots take time and memory to read. */
const plainContexts = new Map<TlsSettings['minVersion'], SecureContext>();

const plainContext = (minVersion: TlsSettings['minVersion']): SecureContext => {
  let context = plainContexts.get(minVersion);
  if (context === undefined) {
    context = newContext({ ca: null, cert: null, key: null }, minVersion);
    plainContexts.set(minVersion, context);
  }
  return context;
};

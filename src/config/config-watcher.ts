import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../lib/clock.ts';
import { readConfigFile } from './config-file.ts';

/** After the first sign of a change, and until the content is the same twice. */
const SETTLE_MS = 200;
/** Some file systems tell nobody of changes, and links may lead through folders that nobody watches. */
const LOOK_EVERY_MS = 10_000;

export interface ConfigWatcherOptions {
  /** The configuration file. */
  readonly path: string;
  /** Other files that went into the settings in force. */
  readonly others: () => readonly string[];
  readonly clock: Clock;
  /** The content is another one, and has been for a moment. */
  readonly onChange: () => void;
}

/**
 * Watches the folder of the configuration file, and not the file: an editor puts another file in its place, and a
 * ConfigMap is swapped by a link beside it. What counts is the content, so that a folder where much goes on costs a look
 * and no more. It is told of when it has been the same for 200 ms.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  /** The content, as a hash by path, that was read last or told of last. */
  readonly #known = new Map<string, string>();
  /** What the last look saw, while it was not told of. */
  #seen = '';
  #watcher: FSWatcher | null = null;
  #settling: Timer | null = null;
  #look: Timer;

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.reading();
    this.#watch();
    this.#look = this.#nextLook();
  }

  /** Somebody is about to read it all: of what is there now nobody needs to be told. */
  reading(): void {
    for (const path of this.#paths()) this.#known.set(path, contentHash(path));
  }

  close(): void {
    this.#watcher?.close();
    this.#settling?.cancel();
    this.#look.cancel();
  }

  /** The folder may not be there, or no longer: the next look tries again. */
  #watch(): void {
    try {
      const watcher = watch(dirname(this.#options.path), { persistent: false }, () => this.#stirred());
      watcher.on('error', () => this.#lost());
      this.#watcher = watcher;
    } catch {
      this.#watcher = null;
    }
  }

  #lost(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #nextLook(): Timer {
    return this.#options.clock.after(LOOK_EVERY_MS, () => {
      // A folder that was put in the place of the one before is another one: the old watch would hear nothing of it.
      this.#lost();
      this.#watch();
      this.#stirred();
      this.#look = this.#nextLook();
    });
  }

  #stirred(): void {
    this.#settling ??= this.#options.clock.after(SETTLE_MS, () => this.#settled());
  }

  #settled(): void {
    this.#settling = null;
    const hashes = this.#paths().map((path) => [path, contentHash(path)] as const);
    const isNews = hashes.some(([path, hash]) => this.#known.has(path) && this.#known.get(path) !== hash);
    const now = hashes.join();
    if (isNews && now !== this.#seen) {
      this.#seen = now;
      this.#stirred();
      return;
    }
    for (const [path, hash] of hashes) this.#known.set(path, hash);
    if (isNews) this.#options.onChange();
  }

  #paths(): readonly string[] {
    return [this.#options.path, ...this.#options.others()];
  }
}

/** Of a file that cannot be read, why: that is news too, once. */
const contentHash = (path: string): string => {
  const content = readConfigFile(path);
  return createHash('sha256')
    .update(content.ok ? content.bytes : content.message)
    .digest('hex');
};

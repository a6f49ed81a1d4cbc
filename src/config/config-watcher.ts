import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../lib/clock.ts';
import { contentMark, type ReadFiles, readConfigFile } from './config-file.ts';

/** After the first sign of a change, and until the content is the same twice. */
const SETTLE_MS = 200;
/** Some file systems tell nobody of changes, and links may lead through folders that nobody watches. */
const LOOK_EVERY_MS = 10_000;

export interface ConfigWatcherOptions {
  /** The configuration file. */
  readonly path: string;
  /** What was read of it and of the files that it names, some time ago. Without itself: it is as it was when it was read. */
  readonly read: ReadFiles;
  readonly clock: Clock;
  /** The content is another one, and has been for a moment. */
  readonly onChange: () => void;
}

/**
 * Watches the folder of the configuration file, and not the file: an editor puts another file in its place, and a
 * ConfigMap is swapped by a link beside it. What counts is the content, so that a folder where much goes on costs a look
 * and no more: what was read last is compared with what is there. It is told of when it has been the same for 200 ms.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  /** What was read last, or told of last. */
  #known: ReadFiles;
  /** What the last look saw where it was news; empty: it was none. */
  #seen = '';
  #watcher: FSWatcher | null = null;
  #settling: Timer | null = null;
  #look: Timer;

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    const { path, read } = options;
    this.#known = read.has(path) ? read : new Map([[path, contentMark(readConfigFile(path))], ...read]);
    this.#watch();
    this.#look = this.#nextLook();
    // It may have changed between the reading and the watching.
    this.#stirred();
  }

  /** Somebody has read it all, whatever came of it: of that nobody needs to be told. */
  wasRead(files: ReadFiles): void {
    this.#known = files;
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
    const marks = [...this.#known.keys()].map((path) => [path, contentMark(readConfigFile(path))] as const);
    const isNews = marks.some(([path, mark]) => this.#known.get(path) !== mark);
    const before = this.#seen;
    this.#seen = isNews ? marks.join() : '';
    if (!isNews) return;
    if (this.#seen !== before) {
      this.#stirred();
      return;
    }
    this.#seen = '';
    this.#known = new Map(marks);
    this.#options.onChange();
  }
}

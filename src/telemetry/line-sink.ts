import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import type { Clock, Timer } from '../lib/clock.ts';

/** How lines reach a file descriptor: the parts of `node:fs` that a {@link LineSink} uses. */
export interface DescriptorWriter {
  write(
    descriptor: number,
    bytes: Buffer,
    offset: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void;
  writeSync(descriptor: number, bytes: Buffer, offset: number): number;
  /** Holds up the process; only ever in a flush. */
  pause(ms: number): void;
}

const nodeWriter: DescriptorWriter = {
  write: (descriptor, bytes, offset, done) => write(descriptor, bytes, offset, null, null, done),
  writeSync: (descriptor, bytes, offset) => writeSync(descriptor, bytes, offset),
  pause: (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  },
};

/** Standard output or standard error. */
export type StandardStream = 1 | 2;

/**
 * A descriptor for a standard stream that says "not now" instead of waiting. A write that waits for a stuck reader would
 * block a thread, and with it the end of the process. A pipe is opened anew for that, since it is shared with others,
 * who do not expect it to change; where that is not allowed, and for everything else, it is the stream itself.
 */
export const openStandardStream = (stream: StandardStream): number => {
  try {
    if (fstatSync(stream).isFIFO())
      return openSync(`/proc/self/fd/${stream}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // Closed, not ours to open, or no /proc: what is written to it tells.
  }
  return stream;
};

export interface LineSinkOptions {
  readonly clock: Clock;
  /** See {@link openStandardStream}. It is never closed. */
  readonly descriptor: number;
  /** Bytes that may wait; a line that does not fit is dropped and counted. Default 1 MiB. */
  readonly maxBytes?: number;
  readonly writer?: DescriptorWriter;
}

/** Lines that are written together, and how far that got. */
interface Batch {
  readonly bytes: Buffer;
  /** Where its lines begin: before them may stand the end of a line that was torn off. */
  readonly start: number;
  offset: number;
}

const LINE_END = 10;

/** Lines of which not all bytes were written. */
const linesLeft = ({ bytes, start, offset }: Batch): number => {
  let lines = 0;
  for (
    let at = bytes.indexOf(LINE_END, Math.max(start, offset));
    at >= 0;
    at = bytes.indexOf(LINE_END, at + 1)
  )
    lines += 1;
  return lines;
};

/** How long a line waits for others before it is written, and how many bytes end the wait. */
const gatherMs = 50;
const gatherBytes = 16 * 1024;
/** A descriptor that says "not now" is asked again after this time; a flush asks so often. */
const retryMs = 20;
const flushTries = 10;

/**
 * Writes lines to a descriptor without ever holding up the process: asynchronously, gathered into few writes, with a
 * bound on what may wait. A reader that is slow, stuck or gone costs lines, which are counted, and nothing else. (pino's
 * own destination waits for ever in its last flush when the reader is gone.)
 */
export class LineSink {
  readonly #clock: Clock;
  readonly #descriptor: number;
  readonly #maxBytes: number;
  readonly #writer: DescriptorWriter;
  #pending: string[] = [];
  /** Bytes that wait, those that are being written included. */
  #bytes = 0;
  #timer: Timer | null = null;
  /** What is being written, or waits to be tried again. */
  #batch: Batch | null = null;
  #isWriting = false;
  /** True after a part of a line: the next one must not be taken for the rest of it. */
  #isTorn = false;
  #dropped = 0;

  constructor({ clock, descriptor, maxBytes = 1024 * 1024, writer = nodeWriter }: LineSinkOptions) {
    this.#clock = clock;
    this.#descriptor = descriptor;
    this.#maxBytes = maxBytes;
    this.#writer = writer;
  }

  /** Lines that were lost. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes one line with its line end. */
  write(line: string): void {
    const length = Buffer.byteLength(line);
    if (this.#bytes + length > this.#maxBytes) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(line);
    this.#bytes += length;
    if (this.#batch !== null) return;
    if (this.#bytes >= gatherBytes) this.#begin();
    else this.#timer ??= this.#clock.after(gatherMs, () => this.#begin());
  }

  /**
   * Writes what waits before it returns, as far as the descriptor takes it: for the end of the process. What is being
   * written at this moment is left to the system.
   */
  flush(): void {
    this.#stopTimer();
    if (this.#batch !== null && !this.#isWriting) {
      this.#writeOut(this.#batch);
      this.#batch = null;
    }
    const rest = this.#gather();
    if (rest !== null) this.#writeOut(rest);
  }

  /** Gives up on a reader that takes nothing for as long as all tries last. */
  #writeOut(batch: Batch): void {
    let tries = 0;
    while (batch.offset < batch.bytes.length && tries < flushTries) {
      try {
        batch.offset += this.#writer.writeSync(this.#descriptor, batch.bytes, batch.offset);
        tries = 0;
      } catch (error) {
        if (!isBusy(error)) break;
        tries += 1;
        this.#writer.pause(retryMs);
      }
    }
    this.#settle(batch, batch.offset < batch.bytes.length);
  }

  #begin(): void {
    this.#stopTimer();
    this.#batch = this.#gather();
    if (this.#batch !== null) this.#writeOn();
  }

  #writeOn(): void {
    const batch = this.#batch;
    if (batch === null) return;
    this.#isWriting = true;
    this.#writer.write(this.#descriptor, batch.bytes, batch.offset, (error, written) => {
      this.#isWriting = false;
      if (error !== null) this.#failed(error, batch);
      else {
        batch.offset += written;
        if (batch.offset < batch.bytes.length) this.#writeOn();
        else this.#next(batch, false);
      }
    });
  }

  #failed(error: NodeJS.ErrnoException, batch: Batch): void {
    if (!isBusy(error)) {
      this.#next(batch, true);
      return;
    }
    this.#timer ??= this.#clock.after(retryMs, () => {
      this.#timer = null;
      this.#writeOn();
    });
  }

  /** The batch is done with; what has gathered meanwhile goes at once. */
  #next(batch: Batch, isLost: boolean): void {
    this.#batch = null;
    this.#settle(batch, isLost);
    if (this.#pending.length > 0) this.#begin();
  }

  #settle(batch: Batch, isLost: boolean): void {
    this.#bytes -= batch.bytes.length - batch.start;
    if (batch.offset > 0) this.#isTorn = batch.bytes[batch.offset - 1] !== LINE_END;
    if (isLost) this.#dropped += linesLeft(batch);
  }

  #gather(): Batch | null {
    if (this.#pending.length === 0) return null;
    const before = this.#isTorn ? '\n' : '';
    const bytes = Buffer.from(before + this.#pending.join(''));
    this.#pending = [];
    return { bytes, start: before.length, offset: 0 };
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

/** True when the descriptor would have taken the bytes later. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');

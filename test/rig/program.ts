import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whom it runs as; default: as we do. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Somebody else's program, at work while the test goes on: what it says, and how it ends. */
export class Program {
  readonly child: ChildProcess;
  readonly #changed = new Signal();
  #stdout = '';
  #stderr = '';
  /** The exit code, or the signal that ended it; null: it runs. */
  end: number | NodeJS.Signals | null = null;

  constructor(owner: Owner, command: string, args: readonly string[], options: ProgramOptions = {}) {
    const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', ...options.env };
    this.child = spawn(command, args, { env, ...options.user });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#changed.raise();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#changed.raise();
    });
    this.child.stdin!.on('error', () => {});
    this.child.on('close', (code, signal) => {
      this.end = code ?? signal;
      this.#changed.raise();
    });
    owner.after(() => this.kill());
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Types a line. */
  say(line: string): this {
    this.child.stdin!.write(`${line}\n`);
    return this;
  }

  /** Waits for this on its standard output; fails when it ends without. */
  async says(expected: string): Promise<void> {
    await this.#changed.until(() => {
      if (this.#stdout.includes(expected)) return true;
      if (this.end === null) return null;
      throw new Error(`${this.child.spawnfile} ended with ${this.end}: ${this.#stdout}${this.#stderr}`);
    });
  }

  /** Waits for its end, at the end of what it was told to do. */
  over(): Promise<number | NodeJS.Signals> {
    this.child.stdin!.end();
    return this.#changed.until(() => this.end);
  }

  /** Ends it as nobody can refuse, and waits. */
  async kill(): Promise<void> {
    if (this.end !== null) return;
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

/** Runs a program to its end, fed with `input`: what it wrote. Anything but an exit code of 0 is an error. */
export const runProgram = async (
  owner: Owner,
  command: string,
  args: readonly string[],
  options: ProgramOptions & { readonly input?: string } = {},
): Promise<string> => {
  const program = new Program(owner, command, args, options);
  if (options.input !== undefined) program.child.stdin!.write(options.input);
  const end = await program.over();
  if (end !== 0) throw new Error(`${command} ended with ${end}: ${program.stderr}`);
  return program.stdout;
};

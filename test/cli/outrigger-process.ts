import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What is started as `outrigger`. */
export const launcher = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as a process of its own, with nothing of ours in its environment. */
export class OutriggerProcess {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  #stdout = '';
  #stderr = '';
  #onOutput = (): void => {};

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [launcher, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#onOutput();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#onOutput();
    });
    this.finished = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code) => resolve({ code, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  /** Waits until the process has written this; rejects when it ends without. */
  untilWritten(expected: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#onOutput = () => {
        if (expected.test(this.#stdout + this.#stderr)) resolve(this.#stdout + this.#stderr);
      };
      this.#onOutput();
      this.finished.then((end) => reject(new Error(`ended without it: ${JSON.stringify(end)}`)), reject);
    });
  }
}

/** Runs the program to its end. */
export const outrigger = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> => new OutriggerProcess(args, env).finished;

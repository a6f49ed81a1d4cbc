import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Why a test that runs this program is skipped; false: it is there. */
export const withoutProgram = (program: string, args: readonly string[] = ['--version']): string | false => {
  const { error, status } = spawnSync(program, args);
  return error === undefined && status === 0 ? false : `${program} is not installed`;
};

/** How a program ended, and what it said. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Ends its standard input with this. */
  readonly stdin?: Buffer;
  /** Kills it once it has written so much. */
  readonly killAfterBytes?: number | undefined;
  readonly cwd?: string;
}

/** Runs a program to its end. */
export const runCommand = async (
  program: string,
  args: readonly string[],
  { env, stdin, killAfterBytes = Number.POSITIVE_INFINITY, cwd }: CommandOptions,
): Promise<CommandResult> => {
  const child = spawn(program, args, { env, cwd });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    bytes += chunk.length;
    if (bytes >= killAfterBytes) child.kill('SIGKILL');
  });
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that ends early does not read to the end.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
};

/** The same, for a program that must succeed. */
export const runWell = async (
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> => {
  const result = await runCommand(program, args, options);
  if (result.exitCode !== 0) {
    throw new Error(`${program} ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
  }
  return result;
};

/** Fields of the last head in this text, by lower-case name. */
export const lastHead = (text: string): { status: number; fields: Record<string, string> } => {
  const head = text
    .trim()
    .split(/\r\n\r\n/)
    .at(-1)!;
  const [statusLine = '', ...lines] = head.split('\r\n');
  const fields: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    fields[key] = key in fields ? `${fields[key]}, ${value}` : value;
  }
  return { status: Number(/^HTTP\/1\.\d (\d+)/.exec(statusLine)?.[1]), fields };
};

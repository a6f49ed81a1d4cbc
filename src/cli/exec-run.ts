import type { Settings } from '../config/settings.ts';
import { systemClock } from '../lib/clock.ts';
import type { RunningApp } from '../runtime/running-app.ts';
import { callSummary } from './call-summary.ts';
import { childEnvironment, directList, displacedProxies, type OwnPort } from './child-environment.ts';
import { untilDefect } from './defects.ts';
import { type ExecSidecarOptions, type ExecStart, startForExec } from './exec-start.ts';
import { exitCodes } from './exit-codes.ts';
import { isInForeground, RelayedSignals } from './relayed-signals.ts';
import type { Terminal } from './terminal.ts';
import { WrappedProcess } from './wrapped-process.ts';

/** The flags of `exec`. */
export interface ExecOptions extends ExecSidecarOptions {
  readonly summary: boolean;
}

/** A program and its arguments. */
type CommandLine = readonly [string, ...string[]];

type Started = Extract<ExecStart, { kind: 'started' }>;

interface Wrapping {
  readonly command: CommandLine;
  readonly signals: RelayedSignals;
  readonly terminal: Terminal;
  readonly hasSummary: boolean;
}

const ownPortsOf = (app: RunningApp, settings: Settings): readonly OwnPort[] =>
  settings.upstreams.flatMap(({ name, protocol }) => {
    const address = app.listeners.get(name);
    return address === undefined ? [] : [{ upstream: name, protocol, address }];
  });

const environmentOf = (app: RunningApp, settings: Settings, terminal: Terminal): Record<string, string> => {
  const hosts = settings.upstreams.flatMap((upstream) => upstream.hosts);
  const ownPorts = ownPortsOf(app, settings);
  return childEnvironment({ env: terminal.env, egress: app.egress, admin: app.admin, ownPorts, hosts });
};

/** What somebody would not expect of the environment, one line each. */
const surprises = ({ env }: Terminal): readonly string[] => {
  const displaced = displacedProxies(env);
  const lines: string[] = [];
  if (displaced.length > 0) {
    const names = displaced.join(', ');
    lines.push(`outrigger: ${names} replaced: the sidecar calls directly, and not by way of another proxy`);
  }
  if (directList(env, []).includes('*')) {
    lines.push('outrigger: NO_PROXY is *: only calls to the ports of upstreams go through the sidecar');
  }
  return lines;
};

/** Runs the process until it ends, and the sidecar as long. Resolves with the exit code. */
const supervise = async (
  { app, settings, tally }: Started,
  { command, signals, terminal, hasSummary }: Wrapping,
): Promise<number> => {
  const { deadlineMs } = settings.drain;
  for (const line of surprises(terminal)) terminal.complain(line);
  // Node makes a pipe non-blocking, for everybody who has it, when it first writes there. Starting a process undoes
  // that: it must not come later, or the process finds that its own standard error says "not now".
  void process.stderr;
  const wrapped = new WrappedProcess({
    command,
    env: environmentOf(app, settings, terminal),
    clock: systemClock,
    deadlineMs,
    onKilled: () =>
      terminal.complain(
        `outrigger: ${command[0]} is killed: ${deadlineMs / 1000} s after SIGTERM it still ran`,
      ),
  });
  signals.relayTo((signal) => wrapped.signal(signal));
  app.drainRequested.then(() => wrapped.signal('SIGTERM'));
  let hasDefect = false;
  const defect = untilDefect(process, {
    noteDefect: (error) => app.noteDefect(error),
    drain: async () => {
      hasDefect = true;
      wrapped.signal('SIGTERM');
      await wrapped.ended;
    },
  });
  await Promise.race([wrapped.ended, defect]);
  // After a defect it has had its time.
  wrapped.kill();
  const { exitCode, problem } = await wrapped.ended;
  if (hasDefect) return exitCodes.failed;
  // Nobody is left to serve. What is under way is broken off, and counted.
  await app.close();
  if (problem !== null) terminal.complain(`outrigger: ${problem}`);
  else if (hasSummary) for (const line of callSummary(tally.read())) terminal.complain(line);
  return exitCode;
};

/** What came of it is in the log, but for what was not even begun. */
const reload = async (app: RunningApp, terminal: Terminal): Promise<void> => {
  const { result, why } = await app.reload();
  if (result === 'refused') terminal.complain(`outrigger: SIGHUP: not reloaded: ${why}`);
};

/** Runs a process with a sidecar of its own. Resolves with what to exit with: the process's code, if it ran. */
export const runExec = async (
  command: CommandLine,
  { summary, ...options }: ExecOptions,
  terminal: Terminal,
): Promise<number> => {
  let app: RunningApp | null = null;
  const signals = new RelayedSignals({
    source: process,
    isInForeground,
    // Before it has started it is about to read its configuration anyway.
    onReload: () => {
      if (app !== null) void reload(app, terminal);
    },
  });
  try {
    const started = await startForExec(options, terminal);
    if (started.kind === 'failed') return started.exitCode;
    app = started.app;
    return await supervise(started, { command, signals, terminal, hasSummary: summary });
  } finally {
    signals.close();
  }
};

import type { Command } from 'commander';
import { type Clock, systemClock } from '../lib/clock.ts';
import { adminTarget } from './admin-client.ts';
import { EventFeed } from './event-feed.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { connectionWords, TopScreen } from './top-screen.ts';
import { placeholder, summary, table } from './top-view.ts';

interface TopOptions {
  readonly tokenFile?: string;
  readonly once?: true;
}

/** Where there is no terminal: how often the table is printed, and how wide, so that words fit at the end of lines. */
const printMs = 5000;
const printWidth = 200;

/** True where the terminal's characters go beyond ASCII. */
const hasUnicode = (env: Terminal['env']): boolean =>
  /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');

/** Shows the table until the viewer quits. */
const showScreen = async (feed: EventFeed, screen: TopScreen): Promise<string | null> => {
  screen.open();
  const stop = (): void => feed.close();
  process.once('SIGTERM', stop).once('SIGHUP', stop);
  // However it ends, also by a defect, the terminal is the viewer's again.
  try {
    void screen.done.then(stop);
    return await feed.run();
  } finally {
    process.off('SIGTERM', stop).off('SIGHUP', stop);
    screen.close();
  }
};

/** Prints the table as plain lines, once or every five seconds. */
const printTables = (feed: EventFeed, clock: Clock, terminal: Terminal): (() => void) => {
  const view = { sort: 'hurt', filter: '', hasColour: false, hasUnicode: hasUnicode(terminal.env) } as const;
  return () => {
    const width = (process.stdout.isTTY && process.stdout.columns) || printWidth;
    const { head, rows } = table(feed.board, { ...view, width, nowMs: feed.nowMs });
    if (rows.length === 0) rows.push(placeholder(feed.board, ''));
    const above = summary(feed.board, connectionWords(feed, clock.now()), width);
    terminal.print([...above, head, ...rows, ''].join('\n'));
  };
};

const runPlain = async (
  feed: EventFeed,
  print: () => void,
  isOnce: boolean,
  clock: Clock,
): Promise<string | null> => {
  const stop = (): void => feed.close();
  process.once('SIGTERM', stop).once('SIGINT', stop);
  const repeat = (): void => {
    print();
    timer = clock.after(printMs, repeat);
  };
  let timer = clock.after(isOnce ? Number.MAX_SAFE_INTEGER : printMs, repeat);
  try {
    return await feed.run();
  } finally {
    timer.cancel();
    process.off('SIGTERM', stop).off('SIGINT', stop);
  }
};

/** Shows the breakers of a running sidecar. */
const runTop = async (
  url: string | undefined,
  options: TopOptions,
  terminal: Terminal,
): Promise<ExitCode> => {
  const target = adminTarget({ url, tokenFile: options.tokenFile, env: terminal.env });
  if ('problem' in target) {
    terminal.complain(`outrigger: ${target.problem}`);
    return exitCodes.usage;
  }
  const clock = systemClock;
  const { stdin, stdout } = process;
  let changed = (): void => {};
  const feed = new EventFeed({ target, clock, onChange: () => changed() });
  let problem: string | null;
  // A dumb terminal cannot move its cursor.
  const hasScreen = stdin.isTTY && stdout.isTTY && terminal.env['TERM'] !== 'dumb';
  if (options.once !== true && hasScreen) {
    const hasColour = !terminal.env['NO_COLOR'] && stdout.hasColors();
    const look = { hasColour, hasUnicode: hasUnicode(terminal.env) };
    const screen = new TopScreen({ feed, clock, input: stdin, output: stdout, ...look });
    changed = () => screen.changed();
    problem = await showScreen(feed, screen);
  } else {
    const print = printTables(feed, clock, terminal);
    changed = () => {
      // The first table comes with the first snapshot, and it may be all that is wanted.
      changed = () => {};
      print();
      if (options.once === true) feed.close();
    };
    problem = await runPlain(feed, print, options.once === true, clock);
  }
  if (problem === null) return exitCodes.fine;
  terminal.complain(`outrigger: ${problem}`);
  return exitCodes.failed;
};

/** Adds `top` to the tree. */
export const addTopCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('top')
    .description(
      'the breakers of a running sidecar in the terminal, live; plain lines where it is no terminal',
    )
    .argument('[url]', 'its admin interface (default: $OUTRIGGER_ADMIN, else http://127.0.0.1:7401)')
    .option('--token-file <file>', 'a file with the value of admin.token (default: $OUTRIGGER_ADMIN_TOKEN)')
    .option('--once', 'print the table once and end')
    .action(async (url: string | undefined, options: TopOptions) => {
      finish(await runTop(url, options, terminal));
    });
};

import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

/** What a terminal sends to everybody in its foreground, when a key is pressed. */
const keyboardSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

const relayed: readonly NodeJS.Signals[] = ['SIGTERM', ...keyboardSignals, 'SIGUSR1', 'SIGUSR2'];

/**
 * True for a process that a terminal's Ctrl-C reaches: its group is the one in the foreground (proc(5): fields 5 and 8
 * of `stat`, behind a name that may hold anything in its parentheses).
 */
export const isInForeground = (readStat = () => readFileSync('/proc/self/stat', 'latin1')): boolean => {
  try {
    const stat = readStat();
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return isatty(0);
  }
};

/** Where signals come from: the process. */
export interface RelaySource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

export interface RelayedSignalsOptions {
  readonly source: RelaySource;
  readonly isInForeground: () => boolean;
  /** Takes SIGHUP, which is for the sidecar. */
  readonly onReload: () => void;
}

/**
 * The signals of one process, passed on to another. What comes before there is another waits for it: with pid 1, the
 * kernel drops what nobody listens to. What the terminal has sent to both of them is not sent again, since programs
 * take a second Ctrl-C for impatience. SIGHUP goes to nobody: one whose terminal is gone has got it, too.
 */
export class RelayedSignals {
  readonly #options: RelayedSignalsOptions;
  readonly #early: NodeJS.Signals[] = [];
  #receive: ((signal: NodeJS.Signals) => void) | null = null;

  constructor(options: RelayedSignalsOptions) {
    this.#options = options;
    for (const signal of relayed) options.source.on(signal, this.#pass);
    options.source.on('SIGHUP', options.onReload);
  }

  /** Whom signals go to from now on, those that came before included. */
  relayTo(receive: (signal: NodeJS.Signals) => void): void {
    this.#receive = receive;
    for (const signal of this.#early.splice(0)) receive(signal);
  }

  close(): void {
    const { source, onReload } = this.#options;
    for (const signal of relayed) source.off(signal, this.#pass);
    source.off('SIGHUP', onReload);
  }

  readonly #pass = (signal: NodeJS.Signals): void => {
    if (this.#receive === null) this.#early.push(signal);
    else if (!keyboardSignals.includes(signal) || !this.#options.isInForeground()) this.#receive(signal);
  };
}

import { CommandBook } from './command-book.ts';
import type { CommandDescription } from './command-figures.ts';
import { CommandTotals } from './command-totals.ts';
import type { BreakerTransition } from './events.ts';

/** Value of the `upstream` label that all unlisted destinations share; the configuration reserves it. */
export const unlistedLabel = 'unlisted';

/** Totals of commands that the configuration no longer names, which are kept; the oldest go first. */
const maxRetired = 1000;

/**
 * All commands and their books. Counters never go back: a destination that is dropped leaves what it counted in the
 * shared series, and a command that a reload takes away keeps its series, so that the exchanges that are still under
 * way are counted too, and finds its totals again when it returns.
 */
export class Commands {
  /** Requests that were refused before they found a command: both labels empty. */
  readonly unrouted = new CommandTotals({ upstream: '', route: '' });
  /** What all unlisted destinations counted together, those that got no command of their own included. */
  readonly unlisted = new CommandTotals({ upstream: unlistedLabel, route: '' });
  readonly #books = new Map<string, CommandBook>();
  /** By command name; of the listed ones alone. */
  readonly #listedTotals = new Map<string, CommandTotals>();

  /** The book of a command. An open one of this name goes on with the new description. */
  open(description: CommandDescription): CommandBook {
    const { name, isUnlisted } = description;
    const known = this.#books.get(name);
    if (known !== undefined && known.description.isUnlisted === isUnlisted) {
      known.describe(description);
      return known;
    }
    const book = new CommandBook(description, isUnlisted ? this.unlisted : this.#totalsOf(description));
    this.#books.set(name, book);
    return book;
  }

  /** Takes a command out of streams and pages. A recorder that somebody still holds goes on counting. */
  close(name: string): void {
    const book = this.#books.get(name);
    if (book === undefined) return;
    this.#books.delete(name);
    if (this.#listedTotals.size <= this.#books.size + maxRetired) return;
    for (const retired of this.#listedTotals.keys()) {
      if (this.#books.has(retired)) continue;
      this.#listedTotals.delete(retired);
      return;
    }
  }

  find(name: string): CommandBook | undefined {
    return this.#books.get(name);
  }

  /** In the order in which they were first opened. */
  all(): Iterable<CommandBook> {
    return this.#books.values();
  }

  get size(): number {
    return this.#books.size;
  }

  /** Every pair of labels that has counters. */
  *totals(): Generator<CommandTotals> {
    yield this.unrouted;
    yield this.unlisted;
    yield* this.#listedTotals.values();
  }

  /** Listens on the bus. */
  breakerTransition(transition: BreakerTransition): void {
    const book = this.#books.get(transition.command);
    book?.transitioned(transition);
    const totals = book?.totals ?? this.#listedTotals.get(transition.command);
    (totals ?? this.unlisted).transitioned(transition.from, transition.to);
  }

  #totalsOf(description: CommandDescription): CommandTotals {
    let totals = this.#listedTotals.get(description.name);
    if (totals === undefined) {
      totals = new CommandTotals({ upstream: description.upstream, route: description.route });
      this.#listedTotals.set(description.name, totals);
    }
    return totals;
  }
}

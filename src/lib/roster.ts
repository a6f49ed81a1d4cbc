/** What can be on a {@link Roster}, on one at a time. */
export interface RosterMember {
  /** Where it is on the roster, for that alone; -1 while it is on none. */
  rosterIndex: number;
}

/**
 * Who is here, where many come and go: a set without an order. One of V8's own would hold on to what has left: whenever
 * its table is full it makes a new one, the old one refers to the new one and to all that was in it, and once a single
 * old table has lived long enough to be in the old generation, everything after it is kept until that is collected.
 */
export class Roster<Member extends RosterMember> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** `member` is on no roster. */
  add(member: Member): void {
    member.rosterIndex = this.#members.length;
    this.#members.push(member);
  }

  /** Harmless for one that is not on it. */
  delete(member: Member): void {
    const index = member.rosterIndex;
    if (this.#members[index] !== member) return;
    const last = this.#members.pop()!;
    member.rosterIndex = -1;
    if (last === member) return;
    this.#members[index] = last;
    last.rosterIndex = index;
  }

  /** Those who are here now: they may leave meanwhile, and are met all the same. */
  [Symbol.iterator](): Iterator<Member> {
    return this.#members.slice().values();
  }
}

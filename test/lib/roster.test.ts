import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Roster, type RosterMember } from '../../src/lib/roster.ts';

class Member implements RosterMember {
  rosterIndex = -1;
  /** So that it can be told whether it is still held. */
  readonly weight = new Array<number>(500).fill(1);
}

test('a roster has those who came and have not left, whatever the order', () => {
  const members = Array.from({ length: 8 }, () => new Member());
  const step = fc.record({ isComing: fc.boolean(), who: fc.nat(members.length - 1) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const roster = new Roster<Member>();
      const expected = new Set<Member>();
      for (const { isComing, who } of steps) {
        const member = members[who]!;
        if (!isComing) roster.delete(member);
        else if (!expected.has(member)) roster.add(member);
        if (isComing) expected.add(member);
        else expected.delete(member);
        assert.equal(roster.size, expected.size);
        assert.deepEqual(new Set(roster), expected);
      }
      for (const member of roster) roster.delete(member);
      assert.equal(roster.size, 0);
    }),
  );
});

test('all are met once by who goes through a roster while they leave', () => {
  const roster = new Roster<Member>();
  for (let i = 0; i < 5; i += 1) roster.add(new Member());
  let met = 0;
  for (const member of roster) {
    roster.delete(member);
    met += 1;
  }
  assert.equal(met, 5);
  assert.equal(roster.size, 0);
});

test('what has left is collected with the young, however many come and go', () => {
  setFlagsFromString('--expose-gc');
  const collect: (options?: { type: 'minor' }) => void = runInNewContext('gc');
  const roster = new Roster<Member>();
  const here: Member[] = [];
  const comeAndGo = (times: number): void => {
    for (let i = 0; i < times; i += 1) {
      const member = new Member();
      roster.add(member);
      here.push(member);
      if (here.length > 32) roster.delete(here.shift()!);
    }
  };
  comeAndGo(100);
  // From here on what the roster is made of is old.
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20; i += 1) {
    comeAndGo(100);
    collect({ type: 'minor' });
  }
  collect({ type: 'minor' });

  // Two thousand came, of 4 kB each.
  assert.ok(process.memoryUsage().heapUsed - before < 1_000_000);
});

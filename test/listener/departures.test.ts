import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Departures, type ReadTable } from '../../src/listener/departures.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const columns = '05 00000000:00000000 00:00000000 00000000     0        0';
const client = '0100007F:A3F1 0100007F:1CE8';

/** The sidecar's end of a connection from 127.0.0.1:41969 to 127.0.0.1:7400. */
const socket = {
  remoteAddress: '127.0.0.1',
  remotePort: 0xa3f1,
  localAddress: '127.0.0.1',
  localPort: 0x1ce8,
} as Socket;

const looker = (rows: string, lookMs = 0) => {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const readTable: ReadTable = (path, done) => {
    if (path.endsWith('tcp')) looks.push(clock.now());
    clock.after(lookMs, () => done(path.endsWith('tcp') ? rows : null));
  };
  return { clock, looks, departures: new Departures(clock, readTable) };
};

const onLinux = { skip: process.platform === 'linux' ? false : 'only Linux has the table' };

const ask = (departures: Departures, from = socket): boolean[] => {
  const answers: boolean[] = [];
  departures.ask(from, (hasLeft) => answers.push(hasLeft));
  return answers;
};

test('a client whose socket somebody still holds has not left', onLinux, () => {
  const { clock, departures } = looker(`   3: ${client} ${columns} 123456 1 0 20\n`);
  const answers = ask(departures);
  clock.advance(1);
  assert.deepEqual(answers, [false]);
});

test('a client whose socket nobody holds any more has left', onLinux, () => {
  const { clock, departures } = looker(`   3: ${client} ${columns} 0 1 0 20\n`);
  const answers = ask(departures);
  clock.advance(1);
  assert.deepEqual(answers, [true]);
});

test('a client that is not in the table has left', onLinux, () => {
  const { clock, departures } = looker('  sl  local_address rem_address   st\n');
  const answers = ask(departures);
  clock.advance(1);
  assert.deepEqual(answers, [true]);
});

test('while there is no descriptor to look with nobody has left; then the next look says', onLinux, () => {
  const clock = new VirtualClock();
  let isShort = true;
  const departures = new Departures(clock, (_path, done) => done(isShort ? null : '', isShort));
  const answers = ask(departures);
  clock.advance(100);
  assert.deepEqual(answers, []);

  isShort = false;
  clock.advance(100);

  assert.deepEqual(answers, [true]);
});

test('an IPv4 client of an IPv6 listener is found under its IPv4 address', onLinux, () => {
  const { clock, departures } = looker(`   3: ${client} ${columns} 123456 1 0 20\n`);
  const mapped = { ...socket, remoteAddress: '::ffff:127.0.0.1', localAddress: '::ffff:127.0.0.1' } as Socket;
  const answers = ask(departures, mapped);
  clock.advance(1);
  assert.deepEqual(answers, [false]);
});

test(
  'a client with an IPv6 socket that reached us over IPv4 is found under its mapped address',
  onLinux,
  () => {
    const mapped = '0000000000000000FFFF00000100007F:A3F1 0000000000000000FFFF00000100007F:1CE8';
    const { clock, departures } = looker(`   3: ${mapped} ${columns} 123456 1 0 20\n`);
    const answers = ask(departures);
    clock.advance(1);
    assert.deepEqual(answers, [false]);
  },
);

test('however many ask, looking takes no more than a tenth of the time', onLinux, () => {
  const { clock, looks, departures } = looker('', 20);
  for (let i = 0; i < 100; i += 1) {
    ask(departures);
    clock.advance(10);
  }
  const gaps = looks.slice(1).map((at, index) => at - looks[index]!);
  assert.ok(looks.length > 1);
  for (const gap of gaps) assert.ok(gap >= 220, `a look after ${gap} ms`);
});

test('after closing nobody is told and no timer is left', onLinux, () => {
  const { clock, departures } = looker('');
  const answers = ask(departures);
  departures.close();
  clock.advance(100);
  assert.deepEqual(answers, []);
  assert.equal(clock.pendingTimers, 0);
});

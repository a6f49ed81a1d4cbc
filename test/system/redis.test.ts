import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { connectBytes } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { fetchText } from '../rig/metrics.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { Program, runProgram } from '../rig/program.ts';
import { type RedisProcess, redisMissing, startRedis } from '../rig/redis-process.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

/** Real clients of Redis, and a real server, with the sidecar as a process between them. */

const skip = redisMissing;
const closers: (() => unknown)[] = [];
const owner: Owner = { after: (close) => closers.unshift(close) };
let redis: RedisProcess;
let sidecar: SidecarProcess;
/** Where the sidecar stands for the server. */
let through: RigAddress;

before(async () => {
  if (skip) return;
  redis = await startRedis(owner);
  through = { host: '127.0.0.1', port: await freePort() };
  sidecar = await startSidecarProcess(owner, {
    log: { access: 'errors' },
    upstreams: {
      cache: {
        protocol: 'tcp',
        listen: `127.0.0.1:${through.port}`,
        endpoints: [redis.address],
        timeout: { idle: '1h' },
        breaker: { volume: 4, sleep: '200ms' },
      },
    },
  });
});

after(async () => {
  for (const close of closers) await close();
});

const cli = (...args: string[]): Promise<string> =>
  runProgram(owner, 'redis-cli', ['-h', '127.0.0.1', '-p', String(through.port), ...args]);

const setting = (key: string, value: string): string =>
  `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
const getting = (key: string): string => `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`;

test('ten thousand commands in one go are answered byte for byte in their order', { skip }, async (t) => {
  const client = await connectBytes(t, through);
  const value = (i: number): string => `value-${i}-${'x'.repeat(i % 97)}`;
  const numbers = Array.from({ length: 5000 }, (_, i) => i);

  client.say(numbers.map((i) => setting(`k${i}`, value(i)) + getting(`k${i}`)).join(''));
  const expected = numbers.map((i) => `+OK\r\n$${value(i).length}\r\n${value(i)}\r\n`).join('');
  await client.hears(expected.length);

  assert.ok(client.text === expected, 'the answers differ');
});

test('a value of 32 MB goes there and back', { skip }, async (t) => {
  const client = await connectBytes(t, through);
  const value = Buffer.alloc(32 * 1024 * 1024, 'Outrigger ').toString('latin1');

  client.say(Buffer.from(setting('large', value) + getting('large'), 'latin1'));
  const expected = `+OK\r\n$${value.length}\r\n${value}\r\n`;
  await client.hears(expected.length);

  assert.ok(client.received.equals(Buffer.from(expected, 'latin1')), 'the answer differs');
});

test('what others publish is pushed to a subscriber who says nothing', { skip }, async (t) => {
  const subscriber = new Program(t, 'redis-cli', `-p ${through.port} subscribe news`.split(' '));
  await subscriber.says('subscribe\nnews\n1\n');

  for (let i = 1; i <= 20; i += 1) assert.equal(await cli('publish', 'news', `item ${i}`), '1\n');
  await subscriber.says('item 20\n');

  const pushed = subscriber.stdout.match(/item \d+/g);
  assert.deepEqual(
    pushed,
    Array.from({ length: 20 }, (_, i) => `item ${i + 1}`),
  );
});

test('redis-benchmark completes, one command at a time and sixteen at a time', { skip }, async () => {
  for (const pipeline of ['1', '16']) {
    const args = `-p ${through.port} -c 50 -n 5000 -t set,get,lrange_100 -P ${pipeline} --csv`.split(' ');
    const report = await runProgram(owner, 'redis-benchmark', args);
    assert.match(report, /^"SET",/m);
    assert.match(report, /^"LRANGE_100 /m);
  }
});

test('a server that is stopped for a while owes nothing when it goes on', { skip }, async (t) => {
  const client = await connectBytes(t, through);
  client.say(setting('n', '0'));
  await client.hears('+OK\r\n');
  process.kill(redis.pid, 'SIGSTOP');
  t.after(() => process.kill(redis.pid, 'SIGCONT'));
  await eventually('Redis is stopped', () => / T /.test(readFileSync(`/proc/${redis.pid}/stat`, 'utf8')));

  client.say('*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n'.repeat(100));
  const late = await connectBytes(t, through);
  late.say(getting('n'));
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'cache' }, 2);
  const before = client.receivedBytes;
  process.kill(redis.pid, 'SIGCONT');
  await client.hears(':100\r\n');
  await late.hears('\r\n');

  assert.equal(before, 5);
  assert.equal(client.text, `+OK\r\n${Array.from({ length: 100 }, (_, i) => `:${i + 1}\r\n`).join('')}`);
});

test('a thousand short connections leave no descriptor open', { skip }, async (t) => {
  const one = async (i: number): Promise<void> => {
    const client = await connectBytes(t, through);
    client.say(setting('short', String(i)));
    await client.hears('+OK\r\n');
    // All the ways in which clients leave.
    if (i % 3 === 0) client.reset();
    else if (i % 3 === 1) client.socket.destroy();
    else client.end();
    await client.over();
  };
  const some = (count: number) => Promise.all(Array.from({ length: count }, (_, i) => one(i)));
  await some(50);
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'cache' }, 0);
  const before = sidecar.descriptors;

  for (let round = 0; round < 20; round += 1) await some(50);

  // The connections of its metrics come and go with those who ask.
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'cache' }, 0);
  await eventually('its descriptors are as many as before', () => sidecar.descriptors <= before + 1);
});

/** Last, for it ends the server that the others use. */
test('a server that is killed under load costs its connections at once, and those that come later are served', {
  skip,
}, async (t) => {
  let isOver = false;
  const tally = { answered: 0, broken: 0 };
  /** One command on each connection, as many connections as there is time for. */
  const keepAsking = async (): Promise<void> => {
    while (!isOver) {
      const client = await connectBytes(t, through);
      client.socket.once('end', () => client.end());
      client.say(getting('nothing'));
      const isAnswered = await client.hears('$-1\r\n').then(
        () => true,
        () => false,
      );
      if (isAnswered) tally.answered += 1;
      else tally.broken += 1;
      client.socket.destroy();
    }
  };
  const waiting = await connectBytes(t, through);
  waiting.say('*3\r\n$5\r\nBLPOP\r\n$5\r\nnever\r\n$1\r\n0\r\n');
  const load = Array.from({ length: 8 }, () => keepAsking());
  await eventually('there is load', () => tally.answered > 100);

  await redis.kill();

  await waiting.ended();
  waiting.end();
  await eventually('the breaker is open', async () => (await stateOf('cache')) === 'open');
  assert.ok(tally.broken > 0);
  await redis.start();
  await eventually('the breaker is closed', async () => (await stateOf('cache')) === 'closed');
  const { answered } = tally;
  await eventually('there is load again', () => tally.answered > answered + 100);
  isOver = true;
  await Promise.all(load);
  assert.equal(await cli('ping'), 'PONG\n');
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'cache' }, 0);
});

const stateOf = async (name: string): Promise<unknown> =>
  (JSON.parse((await fetchText(sidecar.admin, `/breakers/${name}`)).text) as Record<string, unknown>)[
    'state'
  ];

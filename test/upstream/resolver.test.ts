import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Failure } from '../../src/policy/outcome.ts';
import type { Patience, ResolvedAddress, ResolveObserver } from '../../src/upstream/lookup.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { eventually } from '../rig/eventually.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const HOSTS =
  '10.9.9.9 listed.test LISTED2.test\n127.0.0.1 mine.test\n10.1.1.1 mixed.test\n127.0.0.1 mixed.test\n';

const start = async (t: TestContext, timeoutMs = 50) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-resolver-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const hostsPath = join(folder, 'hosts');
  writeFileSync(hostsPath, HOSTS);
  const server = await DnsServer.start(t);
  const clock = new VirtualClock();
  const resolver = new Resolver({
    clock,
    hostsPath,
    dns: { servers: [server.address], search: [], ndots: 1, timeoutMs, tries: 1 },
    isOwnListener: (ip, port) => ip === '127.0.0.1' && port === 7400,
  });
  t.after(() => resolver.close());
  return { server, clock, resolver };
};

interface Answer extends ResolveObserver {
  readonly settled: Promise<string>;
  text: string;
}

/** Addresses and time to live, or reason and detail. */
const answer = (): Answer => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const settle = (text: string): void => {
    assert.equal(self.text, '', 'heard twice');
    self.text = text;
    resolve(text);
  };
  const self: Answer = {
    settled: promise,
    text: '',
    resolved: (addresses: readonly ResolvedAddress[], ttlMs: number) =>
      settle(`${addresses.map(({ host, port }) => (port ? `${host}:${port}` : host)).join(' ')} ${ttlMs}`),
    failed: (fault: Failure) => settle(`${fault.reason} ${fault.detail}`),
  };
  return self;
};

const ask = (resolver: Resolver, name: string, port = 80, patience: Patience = 'brief'): Promise<string> => {
  const heard = answer();
  resolver.resolve(name, port, heard, patience);
  return heard.settled;
};

/** What is known without asking: told before `resolve` returns. */
const askAtOnce = (resolver: Resolver, name: string, port = 80): string => {
  const heard = answer();
  resolver.resolve(name, port, heard);
  return heard.text;
};

test('literals, localhost and the hosts file are answered at once and never asked for', async (t) => {
  const { server, resolver } = await start(t);
  assert.equal(askAtOnce(resolver, '10.0.0.1'), '10.0.0.1 Infinity');
  assert.equal(askAtOnce(resolver, 'FD00:0::1'), 'fd00::1 Infinity');
  for (const name of ['localhost', 'LocalHost', 'localhost.', 'app.localhost']) {
    assert.equal(askAtOnce(resolver, name), '127.0.0.1 ::1 Infinity', name);
  }
  for (const name of ['listed.test', 'Listed.Test', 'listed2.test', 'listed.test.']) {
    assert.match(askAtOnce(resolver, name), /^10\.9\.9\.9 /, name);
  }
  assert.deepEqual(server.questions, []);
});

test('an address in disguise is refused, never resolved', async (t) => {
  const { server, resolver } = await start(t);
  for (const name of ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '127.0.0.1.', '0XA9FEA9FE']) {
    assert.equal(askAtOnce(resolver, name), 'prohibited_address address in disguise', name);
  }
  assert.deepEqual(server.questions, []);
});

test('entries of the hosts file that lead to our own listeners are passed by', async (t) => {
  const { server, resolver } = await start(t);
  server.set('mine.test', { a: ['10.5.5.5'] });
  assert.match(await ask(resolver, 'mine.test', 7400), /^10\.5\.5\.5 /);
  assert.match(askAtOnce(resolver, 'mine.test', 5432), /^127\.0\.0\.1 /);
  assert.match(askAtOnce(resolver, 'mixed.test', 7400), /^10\.1\.1\.1 \d/);
});

test('an answer is kept for its time to live, and then asked for again', async (t) => {
  const { server, clock, resolver } = await start(t);
  server.set('a.test', { a: ['10.0.0.1'], ttlSeconds: 5 });
  assert.equal(await ask(resolver, 'a.test'), '10.0.0.1 5000');
  server.set('a.test', { a: ['10.0.0.2'], ttlSeconds: 5 });
  clock.advance(4999);
  assert.equal(askAtOnce(resolver, 'A.test'), '10.0.0.1 1');
  clock.advance(1);
  assert.equal(await ask(resolver, 'a.test'), '10.0.0.2 5000');
  assert.equal(server.askedFor('a.test'), 2);
});

test('times to live below 1 s and above 30 s are taken as those', async (t) => {
  const { server, resolver } = await start(t);
  server.set('short.test', { a: ['10.0.0.1'], ttlSeconds: 0 });
  server.set('long.test', { a: ['10.0.0.1'], ttlSeconds: 86_400 });
  assert.equal(await ask(resolver, 'short.test'), '10.0.0.1 1000');
  assert.equal(await ask(resolver, 'long.test'), '10.0.0.1 30000');
});

test('a failure is remembered for a second', async (t) => {
  const { server, clock, resolver } = await start(t);
  assert.equal(await ask(resolver, 'late.test'), 'dns_error NXDOMAIN');
  server.set('late.test', { a: ['10.0.0.1'] });
  clock.advance(999);
  assert.equal(askAtOnce(resolver, 'late.test'), 'dns_error NXDOMAIN');
  clock.advance(1);
  assert.equal(await ask(resolver, 'late.test'), '10.0.0.1 30000');
});

test('a thousand that ask for a name at the same time share one query', async (t) => {
  const { server, resolver } = await start(t);
  server.set('a.test', { a: ['10.0.0.1'] });
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(resolver, 'a.test')));
  assert.deepEqual(new Set(answers), new Set(['10.0.0.1 30000']));
  assert.equal(server.askedFor('a.test'), 1);
});

test('who waits briefly has the first family after 50 ms, who waits thoroughly has both', async (t) => {
  const { server, clock, resolver } = await start(t, 2000);
  server.set('half.test', { a: ['10.0.0.1'], silent: ['AAAA'] });
  const brief = answer();
  const thorough = answer();
  resolver.resolve('half.test', 80, thorough, 'thorough');
  resolver.resolve('half.test', 80, brief, 'brief');
  await eventually('IPv4 is there', () => clock.pendingTimers === 1);
  clock.advance(50);
  assert.deepEqual([brief.text, thorough.text], ['10.0.0.1 30000', '']);
  assert.equal(askAtOnce(resolver, 'half.test'), '10.0.0.1 30000', 'who comes later does not wait again');
  assert.equal(await thorough.settled, '10.0.0.1 30000');
  assert.equal(server.askedFor('half.test'), 1);
});

test('who cancels hears nothing, and the others still do', async (t) => {
  const { server, resolver } = await start(t);
  server.set('a.test', { a: ['10.0.0.1'] });
  const gone = answer();
  const lookup = resolver.resolve('a.test', 80, gone);
  const staying = ask(resolver, 'a.test');
  lookup.cancel();
  assert.equal(await staying, '10.0.0.1 30000');
  assert.equal(gone.text, '');
});

test('a resolver that is closed answers nobody any more', async (t) => {
  const { server, resolver } = await start(t);
  server.set('silent.test', 'silence');
  const heard = answer();
  const asked = server.asked.next();
  resolver.resolve('silent.test', 80, heard);
  await asked;
  resolver.close();
  await new Promise(setImmediate);
  assert.equal(heard.text, '');
});

test('the memory for names is bounded: the oldest is forgotten', async (t) => {
  const { server, resolver } = await start(t);
  const names = Array.from({ length: 1025 }, (_, index) => `n${index}.test`);
  for (const name of names) server.set(name, { a: ['10.0.0.1'] });
  for (const name of names) await ask(resolver, name);
  await ask(resolver, 'n1024.test');
  await ask(resolver, 'n1.test');
  assert.equal(server.askedFor('n1024.test') + server.askedFor('n1.test'), 2);
  await ask(resolver, 'n0.test');
  assert.equal(server.askedFor('n0.test'), 2);
});

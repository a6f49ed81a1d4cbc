import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Failure } from '../../src/policy/outcome.ts';
import { type DnsAnswer, DnsClient, type DnsSettings } from '../../src/upstream/dns-client.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { eventually } from '../rig/eventually.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const start = async (t: TestContext, settings: DnsSettings = {}) => {
  const server = await DnsServer.start(t);
  const clock = new VirtualClock();
  const client = new DnsClient(
    { servers: [server.address], search: [], ndots: 1, timeoutMs: 50, tries: 1, ...settings },
    clock,
  );
  t.after(() => client.close());
  return { server, client, clock };
};

/** Addresses and time to live in one line, or reason and detail. */
const describe = (result: DnsAnswer | Failure): string =>
  result.kind === 'answer'
    ? `${result.addresses.map(({ host, family }) => `${host}/${family}`).join(' ')} ${result.ttlMs}`
    : `${result.reason} ${result.detail}`;

/** What the observer hears; `ended` comes last. */
const listen = (client: DnsClient, name: string) => {
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  client.query(name, {
    firstFamily: (answer) => heard.push(describe(answer)),
    ended: (result) => resolve(describe(result)),
  });
  assert.deepEqual(heard, [], 'called before query returned');
  return { heard, ended: promise };
};

const ask = (client: DnsClient, name: string): Promise<string> => listen(client, name).ended;

/** Priority, port and target of each record, or reason and detail. */
const askService = (client: DnsClient, name: string): Promise<string> =>
  new Promise((resolve) => {
    client.queryService(name, (result) => {
      resolve(
        result.kind === 'answer'
          ? result.records.map(({ priority, port, target }) => `${priority} ${target}:${port}`).join(', ')
          : `${result.reason} ${result.detail}`,
      );
    });
  });

test('an answer has the addresses of both families and the shortest time to live', async (t) => {
  const { server, client, clock } = await start(t);
  server.set('both.test', { a: ['10.0.0.2', '10.0.0.1'], aaaa: ['fd00::1'], ttlSeconds: 7 });
  server.set('six.test', { aaaa: ['fd00::6'], ttlSeconds: 0 });
  assert.equal(await ask(client, 'both.test'), '10.0.0.2/4 10.0.0.1/4 fd00::1/6 7000');
  assert.equal(await ask(client, 'six.test'), 'fd00::6/6 0');
  assert.equal(clock.pendingTimers, 0);
});

test('what the name servers answer instead of addresses is told apart', async (t) => {
  const { server, client } = await start(t);
  server.set('empty.test', {});
  server.set('dangling.test', { cname: 'nowhere.test' });
  server.set('broken.test', 'servfail');
  server.set('refused.test', 'refused');
  server.set('silent.test', 'silence');
  assert.equal(await ask(client, 'missing.test'), 'dns_error NXDOMAIN');
  assert.equal(await ask(client, 'empty.test'), 'dns_error NODATA');
  assert.equal(await ask(client, 'dangling.test'), 'dns_error NODATA');
  assert.equal(await ask(client, 'broken.test'), 'dns_error SERVFAIL');
  assert.equal(await ask(client, 'refused.test'), 'dns_error REFUSED');
  assert.equal(await ask(client, 'silent.test'), 'dns_timeout ETIMEOUT');
});

test('one family that is not answered holds the other one up for 50 ms, and then there is the whole answer', async (t) => {
  const { server, client, clock } = await start(t, { timeoutMs: 60_000 });
  server.set('half.test', { a: ['10.0.0.1'], aaaa: ['fd00::1'], silent: ['AAAA'] });
  const { heard, ended } = listen(client, 'half.test');
  await eventually('IPv4 is there', () => clock.pendingTimers === 1);
  clock.advance(49);
  assert.deepEqual(heard, []);
  clock.advance(1);
  assert.deepEqual(heard, ['10.0.0.1/4 60000']);
  client.close();
  assert.equal(await ended, '10.0.0.1/4 60000');
});

test('one family that fails does not take the other one away', async (t) => {
  const { server, client } = await start(t);
  server.set('four.test', { a: ['10.0.0.1'], broken: ['AAAA'] });
  server.set('six.test', { aaaa: ['fd00::1'], broken: ['A'] });
  assert.equal(await ask(client, 'four.test'), '10.0.0.1/4 60000');
  assert.equal(await ask(client, 'six.test'), 'fd00::1/6 60000');
});

test('an empty family says nothing while the other one is open', async (t) => {
  const { server, client, clock } = await start(t);
  server.set('slow.test', { silent: ['AAAA'] });
  const { heard, ended } = listen(client, 'slow.test');
  assert.equal(await ended, 'dns_timeout ETIMEOUT');
  assert.deepEqual([heard, clock.pendingTimers], [[], 0]);
});

test('a search goes on 50 ms after a name was said not to exist, though AAAA is never answered', async (t) => {
  const { server, client, clock } = await start(t, { search: ['shop.test'], ndots: 5, timeoutMs: 60_000 });
  server.set('reviews.test.shop.test', { missing: ['A'], silent: ['AAAA'] });
  server.set('reviews.test', { a: ['10.0.0.1'], silent: ['AAAA'] });
  const { heard, ended } = listen(client, 'reviews.test');
  await eventually('the first name does not exist', () => clock.pendingTimers === 1);
  clock.advance(49);
  assert.equal(server.askedFor('reviews.test'), 0);
  clock.advance(1);
  await eventually('IPv4 is there', () => clock.pendingTimers === 1);
  clock.advance(50);
  assert.deepEqual(heard, ['10.0.0.1/4 60000']);
  client.close();
  assert.equal(await ended, '10.0.0.1/4 60000');
});

test('that a name does not exist is not believed of AAAA alone', async (t) => {
  const { server, client } = await start(t, { search: ['shop.test'], ndots: 5 });
  server.set('reviews.test.shop.test', { missing: ['AAAA'], silent: ['A'] });
  server.set('reviews.test', { a: ['10.0.0.1'] });
  assert.equal(await ask(client, 'reviews.test'), 'dns_timeout ETIMEOUT');
});

test('an address counts once, whatever its family and however often it is in an answer', async (t) => {
  const { server, client } = await start(t);
  server.set('twice.test', { a: ['10.0.0.1', '10.0.0.2', '10.0.0.1'] });
  server.set('mixed.test', { a: ['10.0.0.1'], aaaa: ['fd00::1'], mixed: true });
  assert.equal(await ask(client, 'twice.test'), '10.0.0.1/4 10.0.0.2/4 60000');
  assert.equal(await ask(client, 'mixed.test'), '10.0.0.1/4 fd00::1/6 60000');
});

test('an answer lives as long as the shortest of its aliases', async (t) => {
  const { server, client } = await start(t);
  server.set('a.test', { cname: 'b.test', ttlSeconds: 9 });
  server.set('b.test', { cname: 'c.test', ttlSeconds: 3 });
  server.set('c.test', { a: ['10.0.0.1'], ttlSeconds: 60 });
  assert.equal(await ask(client, 'a.test'), '10.0.0.1/4 3000');
});

test('two hundred addresses do not fit into a datagram: they are asked for over TCP', async (t) => {
  const { server, client } = await start(t);
  const many = Array.from({ length: 200 }, (_, index) => `10.0.1.${index}`);
  server.set('many.test', { a: many });
  assert.equal(await ask(client, 'many.test'), `${many.map((host) => `${host}/4`).join(' ')} 60000`);
  assert.deepEqual(server.questionsOverTcp, ['A many.test']);
});

test('an answer with a wrong id or for another name is no answer', async (t) => {
  const { server, client } = await start(t);
  server.set('real.test', { a: ['10.0.0.1'], forged: true });
  assert.equal(await ask(client, 'real.test'), '10.0.0.1/4 60000');
});

test('fifty names that hang do not hold up another one', async (t) => {
  const { server, client } = await start(t, { timeoutMs: 60_000 });
  const hanging = Array.from({ length: 50 }, (_, index) => `silent${index}.test`);
  const settled: string[] = [];
  for (const name of hanging) {
    server.set(name, 'silence');
    listen(client, name).ended.then((text) => settled.push(text));
  }
  server.set('fine.test', { a: ['10.0.0.1'] });
  assert.equal(await ask(client, 'fine.test'), '10.0.0.1/4 60000');
  assert.equal(hanging.filter((name) => server.askedFor(name) > 0).length, 50);
  assert.deepEqual(settled, []);
});

test('the records of a service are its targets with priorities and ports', async (t) => {
  const { server, client } = await start(t);
  server.set('_http._tcp.reviews.test', {
    srv: [
      { port: 9080, target: 'One.test' },
      { priority: 10, port: 9081, target: 'two.test' },
      { port: 0, target: 'unusable.test' },
    ],
  });
  assert.equal(await askService(client, '_http._tcp.reviews.test'), '0 one.test:9080, 10 two.test:9081');
});

test('a service that is not there has no records, whichever way that is said', async (t) => {
  const { server, client } = await start(t);
  server.set('_http._tcp.off.test', { srv: [{ port: 0, target: '.' }] });
  server.set('_http._tcp.off2.test', { srv: [{ port: 80, target: '.' }] });
  server.set('_http._tcp.empty.test', { a: ['10.0.0.1'] });
  server.set('_http._tcp.broken.test', 'servfail');
  assert.equal(await askService(client, '_http._tcp.off.test'), 'dns_error NODATA');
  assert.equal(await askService(client, '_http._tcp.off2.test'), 'dns_error NODATA');
  assert.equal(await askService(client, '_http._tcp.empty.test'), 'dns_error NODATA');
  assert.equal(await askService(client, '_http._tcp.missing.test'), 'dns_error NXDOMAIN');
  assert.equal(await askService(client, '_http._tcp.broken.test'), 'dns_error SERVFAIL');
});

test('a service is searched for like every name', async (t) => {
  const { server, client } = await start(t, { search: ['shop.test', 'cluster.test'], ndots: 5 });
  server.set('_http._tcp.reviews.cluster.test', { srv: [{ port: 80, target: 'one.test' }] });
  assert.equal(await askService(client, '_http._tcp.reviews'), '0 one.test:80');
  assert.deepEqual(server.questions, [
    'SRV _http._tcp.reviews.shop.test',
    'SRV _http._tcp.reviews.cluster.test',
  ]);
});

test('what cannot be a name is not asked for', async (t) => {
  const { server, client } = await start(t);
  const impossible = ['', '.', 'a..b', `${'a'.repeat(64)}.test`, `${'a.'.repeat(127)}bc`];
  for (const name of [...impossible, 'ünicode.test', 'a b', 'a%2eb']) {
    assert.equal(await ask(client, name), 'dns_error EBADNAME', name);
  }
  assert.deepEqual(server.questions, []);
});

test('a short name is looked for in the search domains before it is tried as it stands', async (t) => {
  const { server, client } = await start(t, { search: ['shop.test', 'cluster.test'], ndots: 2 });
  server.set('reviews.cluster.test', { a: ['10.0.0.1'] });
  server.set('far.away.test', { a: ['10.0.0.2'] });
  server.set('absolute.test', { a: ['10.0.0.3'] });
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.1/);
  assert.match(await ask(client, 'far.away.test'), /^10\.0\.0\.2/);
  assert.match(await ask(client, 'absolute.test.'), /^10\.0\.0\.3/);
  const asked = server.questions
    .filter((question) => question.startsWith('A '))
    .map((question) => question.slice(2));
  assert.deepEqual(asked, ['reviews.shop.test', 'reviews.cluster.test', 'far.away.test', 'absolute.test']);
});

test('a broken search domain is remembered as the reason when nothing else has the name', async (t) => {
  const { server, client } = await start(t, { search: ['broken.test', 'fine.test'], ndots: 1 });
  server.set('reviews.broken.test', 'servfail');
  assert.equal(await ask(client, 'reviews'), 'dns_error SERVFAIL');
  server.set('reviews.fine.test', { a: ['10.0.0.1'] });
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.1/);
});

test('a client that is closed breaks off its queries', async (t) => {
  const { server, client } = await start(t, { timeoutMs: 60_000, search: ['more.test'] });
  server.set('silent.test', 'silence');
  const asked = server.asked.next();
  const answer = ask(client, 'silent.test');
  await asked;
  client.close();
  assert.equal(await answer, 'dns_error ECANCELLED');
  assert.equal(await ask(client, 'later.test'), 'dns_error EBADNAME');
  assert.equal(
    server.questions.some((question) => question.includes('more.test')),
    false,
  );
});

/** A client that goes by a resolv.conf, and two name servers. */
const startWithFile = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-resolv-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'resolv.conf');
  const [one, other] = [await DnsServer.start(t), await DnsServer.start(t)];
  const write = (text: string): void => writeFileSync(path, text);
  write(`nameserver ${one.address}\nsearch one.test\n`);
  const clock = new VirtualClock();
  const client = new DnsClient({ resolvConfPath: path, timeoutMs: 400, tries: 1 }, clock);
  t.after(() => client.close());
  one.set('reviews.one.test', { a: ['10.0.0.1'] });
  other.set('reviews.other.test', { a: ['10.0.0.22'] });
  return { one, other, clock, client, write };
};

test('name servers and search domains are those of resolv.conf as it is, looked at once a second', async (t) => {
  const { other, clock, client, write } = await startWithFile(t);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.1\//);
  write(`nameserver ${other.address}\nsearch other.test\n`);
  clock.advance(999);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.1\//);
  clock.advance(1);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.22\//);
});

test('a resolv.conf that is being rewritten is not followed until it names a server again', async (t) => {
  const { other, clock, client, write } = await startWithFile(t);
  write('');
  clock.advance(1000);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.1\//);
  write(`nameserver ${other.address}\nsearch other.test\n`);
  clock.advance(1000);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.22\//);
});

test('a query that is under way when the name servers change ends where it began', async (t) => {
  const { one, other, clock, client, write } = await startWithFile(t);
  one.set('reviews.one.test', { a: ['10.0.0.1'], silent: ['AAAA'] });
  const asked = one.asked.next();
  const { ended } = listen(client, 'reviews');
  await asked;
  write(`nameserver ${other.address}\nsearch other.test\n`);
  clock.advance(1000);
  assert.match(await ask(client, 'reviews'), /^10\.0\.0\.22\//);
  assert.match(await ended, /^10\.0\.0\.1\//);
});

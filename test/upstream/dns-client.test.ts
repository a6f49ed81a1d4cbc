import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DnsClient, type DnsSettings, parseResolvConf, searchNames } from '../../src/upstream/dns-client.ts';
import { DnsServer } from '../rig/dns-server.ts';

const start = async (
  t: TestContext,
  settings: DnsSettings = {},
): Promise<{ server: DnsServer; client: DnsClient }> => {
  const server = await DnsServer.start(t);
  const client = new DnsClient({
    servers: [server.address],
    search: [],
    ndots: 1,
    timeoutMs: 50,
    tries: 1,
    ...settings,
  });
  t.after(() => client.close());
  return { server, client };
};

/** Addresses and time to live in one line, or reason and detail. */
const ask = (client: DnsClient, name: string): Promise<string> =>
  new Promise((resolve) => {
    let isBack = false;
    client.query(name, (result) => {
      assert.equal(isBack, true, 'called before query returned');
      resolve(
        result.kind === 'answer'
          ? `${result.addresses.map(({ host, family }) => `${host}/${family}`).join(' ')} ${result.ttlMs}`
          : `${result.reason} ${result.detail}`,
      );
    });
    isBack = true;
  });

test('an answer has the addresses of both families and the shortest time to live', async (t) => {
  const { server, client } = await start(t);
  server.set('both.test', { a: ['10.0.0.2', '10.0.0.1'], aaaa: ['fd00::1'], ttlSeconds: 7 });
  server.set('six.test', { aaaa: ['fd00::6'], ttlSeconds: 0 });
  assert.equal(await ask(client, 'both.test'), '10.0.0.2/4 10.0.0.1/4 fd00::1/6 7000');
  assert.equal(await ask(client, 'six.test'), 'fd00::6/6 0');
});

test('what the name servers answer instead of addresses is told apart', async (t) => {
  const { server, client } = await start(t);
  server.set('empty.test', {});
  server.set('broken.test', 'servfail');
  server.set('silent.test', 'silence');
  assert.equal(await ask(client, 'missing.test'), 'dns_error NXDOMAIN');
  assert.equal(await ask(client, 'empty.test'), 'dns_error NODATA');
  assert.equal(await ask(client, 'broken.test'), 'dns_error SERVFAIL');
  assert.equal(await ask(client, 'silent.test'), 'dns_timeout ETIMEOUT');
});

test('what cannot be a name is not asked for', async (t) => {
  const { server, client } = await start(t);
  for (const name of [
    '',
    '.',
    'a..b',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(127)}bc`,
    'ünicode.test',
    'a b',
    'a%2eb',
  ]) {
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
  assert.equal(
    server.questions.some((question) => question.includes('more.test')),
    false,
  );
});

test('resolv.conf says where to search and what counts as a short name', () => {
  const text =
    '# cluster\nnameserver 10.0.0.10\nsearch shop.svc.cluster.local. SVC.cluster.local\noptions timeout:2 ndots:5\n';
  assert.deepEqual(parseResolvConf(text), {
    search: ['shop.svc.cluster.local', 'svc.cluster.local'],
    ndots: 5,
  });
  assert.deepEqual(parseResolvConf('domain a.test\nsearch b.test\noptions ndots:99'), {
    search: ['b.test'],
    ndots: 15,
  });
  assert.deepEqual(parseResolvConf(''), { search: [], ndots: 1 });
});

test('a name with enough dots is tried as it stands first, one with a dot at its end as nothing else', () => {
  const rules = { search: ['x', 'y'], ndots: 1 };
  assert.deepEqual(searchNames('a', rules), ['a.x', 'a.y', 'a']);
  assert.deepEqual(searchNames('a.b', rules), ['a.b', 'a.b.x', 'a.b.y']);
  assert.deepEqual(searchNames('a.', rules), ['a']);
});

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar } from '../rig/sidecar.ts';
import { fieldOf, fieldsOf, statusOf } from '../rig/wire-reader.ts';

const one = await startRawUpstream({ after });
const two = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  {
    upstreams: {
      one: {
        hosts: ['one.test', 'one.alias:8080'],
        listen: '127.0.0.1:0',
        endpoints: [one.address],
        routes: [
          { name: 'deep', match: { path: '/deep/*' }, timeout: { total: '9s' } },
          { name: 'deeper', match: { methods: ['GET'], path: '/deep/er/*' } },
        ],
      },
      two: { listen: '127.0.0.1:0', endpoints: [two.address], hostHeader: 'renamed.test' },
    },
  },
);

const get = (host: string, fields = ''): string => `GET /x HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

test('Host chooses the upstream and is sent on as the app wrote it', async (t) => {
  const before = one.exchanges.length;
  await exchangeRaw(t, sidecar.egress, get('ONE.test'));
  assert.equal(fieldOf(one.exchanges[before]!, 'host'), 'ONE.test');
});

test('a host name with a port in the configuration matches that port alone', async (t) => {
  const before = one.exchanges.length;
  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get('one.alias:8080'))), 200);
  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get('one.alias:8081'))), 403);
  assert.equal(one.exchanges.length, before + 1);
});

test('an upstream without hosts is called by its key, and hostHeader overrides what it is sent', async (t) => {
  const before = two.exchanges.length;
  await exchangeRaw(t, sidecar.egress, get('two'));
  assert.equal(fieldOf(two.exchanges[before]!, 'host'), 'renamed.test');
});

test('on an upstream’s own port its first name is sent, whatever the app wrote', async (t) => {
  const before = one.exchanges.length;
  await exchangeRaw(t, sidecar.listener('one'), get('localhost:1234'));
  assert.equal(fieldOf(one.exchanges[before]!, 'host'), 'one.test');
});

test('hostHeader overrides what is sent with OPTIONS too whose Max-Forwards is counted down', async (t) => {
  const before = two.exchanges.length;
  await exchangeRaw(
    t,
    sidecar.egress,
    'OPTIONS /x HTTP/1.1\r\nMax-Forwards: 5\r\nHost: two\r\nX-Kept: yes\r\n\r\n',
  );
  const sent = two.exchanges[before]!;
  assert.deepEqual(fieldsOf(sent, 'host'), ['renamed.test']);
  assert.deepEqual(fieldsOf(sent, 'max-forwards'), ['4']);
  assert.equal(fieldOf(sent, 'x-kept'), 'yes');
});

test('hostHeader overrides what is sent on an upstream’s own port too', async (t) => {
  const before = two.exchanges.length;
  await exchangeRaw(t, sidecar.listener('two'), get('localhost:1234'));
  assert.equal(fieldOf(two.exchanges[before]!, 'host'), 'renamed.test');
});

test('Via is added in both directions, after those that were there, with one pseudonym', async (t) => {
  const before = one.exchanges.length;
  const response = await exchangeRaw(t, sidecar.egress, get('one.test', 'Via: 1.0 fred, 1.1 p.example\r\n'));

  const sent = fieldsOf(one.exchanges[before]!, 'via').join(', ');
  const pseudonym = /^1\.0 fred, 1\.1 p\.example, 1\.1 (outrigger-[0-9A-Za-z]{6})$/.exec(sent)?.[1];
  assert.ok(pseudonym, sent);
  assert.equal(fieldOf(response, 'via'), `1.1 ${pseudonym}`);
});

test('a request that went through this proxy before is a loop; one that went through another pod’s is not', async (t) => {
  await exchangeRaw(t, sidecar.egress, get('one.test'));
  const via = fieldsOf(one.exchanges.at(-1)!, 'via').join(', ');
  const before = one.exchanges.length;

  const looped = await exchangeRaw(t, sidecar.egress, get('one.test', `Via: ${via}\r\n`));
  const other = await exchangeRaw(t, sidecar.egress, get('one.test', 'Via: 1.1 outrigger-000000\r\n'));

  assertOwnAnswer(looped, { status: 502, type: 'proxy_loop_detected', reason: 'proxy_loop' });
  assert.equal(statusOf(other), 200);
  assert.equal(one.exchanges.length, before + 1);
});

test('Proxy-Authorization is never forwarded, not even in pieces', async (t) => {
  const before = one.exchanges.length;
  const secret = 'Proxy-Authorization: Basic c2VjcmV0\r\nproxy-authorization: Bearer c2VjcmV0\r\n';
  await exchangeRaw(t, sidecar.egress, get('one.test', secret));
  assert.doesNotMatch(one.exchanges[before]!.connection.received.toString('latin1'), /c2VjcmV0/);
  assert.ok(!JSON.stringify(sidecar.accessLog).includes('c2VjcmV0'));
});

test('traceparent and x-request-id pass through and are in the log; none is invented upstream', async (t) => {
  const before = one.exchanges.length;
  const logged = sidecar.accessLog.length;
  await exchangeRaw(t, sidecar.egress, get('one.test', 'X-Request-Id: id-7\r\ntraceparent: 00-ab-cd-01\r\n'));
  await exchangeRaw(t, sidecar.egress, get('one.test'));

  assert.equal(fieldOf(one.exchanges[before]!, 'x-request-id'), 'id-7');
  assert.equal(fieldOf(one.exchanges[before + 1]!, 'x-request-id'), undefined);
  const line = JSON.stringify(await sidecar.accessLineAt(logged));
  assert.ok(line.includes('id-7') && line.includes('00-ab-cd-01'), line);
});

test('nothing about the client is added: no X-Forwarded-For, no Forwarded', async (t) => {
  const before = one.exchanges.length;
  await exchangeRaw(t, sidecar.egress, get('one.test'));
  const names = one.exchanges[before]!.fields.map(([name]) => name.toLowerCase()).sort();
  assert.deepEqual(names, ['host', 'via']);
});

test('the longest path and the method choose the route', async (t) => {
  const request = (method: string, path: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: one.test\r\nContent-Length: 0\r\n\r\n`;
  for (const [method, path, route] of [
    ['GET', '/deep/er/a?b', 'deeper'],
    ['POST', '/deep/er/a', 'deep'],
    ['GET', '/deep', 'deep'],
  ] as const) {
    const before = await sidecar.metric('requests_total', { upstream: 'one', route });
    await exchangeRaw(t, sidecar.egress, request(method, path));
    await sidecar.metricIs('requests_total', { upstream: 'one', route }, before + 1);
  }
});

test('a path that no route matches is served by the policy of the upstream itself', async (t) => {
  const before = await sidecar.metric('requests_total', { upstream: 'one', route: '' });

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get('one.test'))), 200);

  await sidecar.metricIs('requests_total', { upstream: 'one', route: '' }, before + 1);
});

test('an unlisted destination is denied by default', async (t) => {
  const response = await exchangeRaw(t, sidecar.egress, get('elsewhere.test'));
  assertOwnAnswer(response, { status: 403, type: 'http_request_denied', reason: 'unlisted_destination' });
});

test('a plain request for the proxy’s own address is told that this is a proxy', async (t) => {
  const { host, port } = sidecar.egress;
  for (const name of [`${host}:${port}`, `localhost:${port}`]) {
    const response = await exchangeRaw(t, sidecar.egress, get(name));
    assertOwnAnswer(response, { status: 404, type: 'destination_not_found', reason: 'no_route' });
    assert.match(response.body.toString(), /proxy/i);
  }
});

test('an https target for an upstream without tls is told to use CONNECT', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  const response = await client.send('GET https://one.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n').response();
  assertOwnAnswer(response, { status: 400, type: 'http_request_denied', reason: 'tls_needed' });
  assert.match(response.body.toString(), /CONNECT/);
});

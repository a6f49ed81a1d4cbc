import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, changeFields, type RawRequest, startAdmin } from './admin-fixture.ts';

const hostRows: [host: string, status: number][] = [
  ['localhost', 200],
  ['localhost:7401', 200],
  ['LOCALHOST', 200],
  ['outrigger.localhost:7401', 200],
  ['127.0.0.1:7401', 200],
  ['127.9.9.9', 200],
  ['[::1]:7401', 200],
  ['dashboard.example', 200],
  ['dashboard.example:80', 200],
  ['evil.example', 421],
  ['localhost.evil.example', 421],
  ['127.0.0.1.evil.example', 421],
  ['10.0.0.7:7401', 421],
  ['[::2]', 421],
  ['localhost@evil.example', 421],
  ['localhost:7401:1', 421],
  ['evil.example, localhost', 421],
  ['', 421],
];

for (const [host, status] of hostRows) {
  test(`Host "${host}" is answered with ${status}`, async (context) => {
    const { tcpPort } = await startAdmin(context, { allowHosts: ['dashboard.example'] });

    const answer = await ask(tcpPort, { path: '/livez', fields: { Host: host } });

    assert.equal(answer.status, status);
  });
}

const force = '{"force":"open","ttl":"10m"}';
const post: RawRequest = { method: 'POST', path: '/breakers/reviews', fields: changeFields, body: force };
const postWith = (fields: Record<string, string>): RawRequest => ({
  ...post,
  fields: { ...changeFields, ...fields },
});

const browserRows: [what: string, request: RawRequest, status: number][] = [
  ['a terminal', post, 200],
  ['our own page', postWith({ Origin: 'http://localhost', 'Sec-Fetch-Site': 'same-origin' }), 200],
  ['our own page behind TLS', postWith({ Origin: 'https://localhost' }), 200],
  ['an address typed into the browser', { path: '/breakers', fields: { 'Sec-Fetch-Site': 'none' } }, 200],
  [
    'fetch from another site',
    postWith({ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }),
    403,
  ],
  ['fetch from another port of this machine', postWith({ Origin: 'http://localhost:3000' }), 403],
  ['a sandboxed frame', postWith({ Origin: 'null' }), 403],
  ['a sibling site', postWith({ 'Sec-Fetch-Site': 'same-site' }), 403],
  ['an image on another site', { path: '/breakers', fields: { 'Sec-Fetch-Site': 'cross-site' } }, 403],
  [
    'an EventSource on another site',
    { path: '/hystrix.stream', fields: { Origin: 'http://evil.example' } },
    403,
  ],
  [
    'a WebSocket from another site',
    {
      path: '/hystrix.stream',
      fields: {
        Connection: 'Upgrade, close',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        Origin: 'http://evil.example',
      },
    },
    403,
  ],
  ['a form', { ...post, fields: { 'Content-Type': 'application/x-www-form-urlencoded' } }, 415],
  [
    'fetch in no-cors mode',
    { ...post, fields: { 'Content-Type': 'text/plain', 'X-Outrigger-Admin': '1' } },
    415,
  ],
  ['JSON without our own field', { ...post, fields: { 'Content-Type': 'application/json' } }, 403],
  ['JSON with a charset', postWith({ 'Content-Type': 'Application/JSON; charset=utf-8' }), 200],
];

for (const [what, request, status] of browserRows) {
  test(`a request by ${what} is answered with ${status} and changes state only then`, async (context) => {
    const { tcpPort, port } = await startAdmin(context);

    const answer = await ask(tcpPort, request);

    assert.equal(answer.status, status);
    assert.equal(port.forced.length, request.method === 'POST' && status === 200 ? 1 : 0);
  });
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

const tokenRows: [path: string, authorization: string | null, status: number][] = [
  ['/breakers', null, 401],
  ['/', null, 401],
  ['/metrics', null, 401],
  ['/hystrix.stream', null, 401],
  ['/no-such-path', null, 401],
  ['/breakers', 'Bearer s3cret', 200],
  ['/breakers', 'bearer  s3cret', 200],
  ['/breakers', basic('anyone:s3cret'), 200],
  ['/breakers', basic(':s3cret'), 200],
  ['/breakers', 'Bearer s3cre', 401],
  ['/breakers', 'Bearer s3crett', 401],
  ['/breakers', 'Bearer', 401],
  ['/breakers', basic('s3cret'), 401],
  ['/breakers', basic('s3cret:'), 401],
  ['/breakers', 'Digest s3cret', 401],
  ['/livez', null, 200],
  ['/readyz', null, 200],
  ['/startupz', null, 200],
];

for (const [path, authorization, status] of tokenRows) {
  test(`with a token, ${path} and authorization "${authorization}" is answered with ${status}`, async (context) => {
    const { tcpPort } = await startAdmin(context, { token: 's3cret' });

    const fields = authorization === null ? {} : { Authorization: authorization };
    const answer = await ask(tcpPort, { path, fields });

    assert.equal(answer.status, status);
    assert.equal(answer.headers.has('www-authenticate'), status === 401);
  });
}

test('a password may contain colons', async (context) => {
  const { tcpPort } = await startAdmin(context, { token: 'a:b:c' });

  const answer = await ask(tcpPort, { path: '/breakers', fields: { Authorization: basic('me:a:b:c') } });

  assert.equal(answer.status, 200);
});

test('every answer forbids framing, sniffing and caching, and none has a CORS header', async (context) => {
  const { tcpPort } = await startAdmin(context);
  const requests: RawRequest[] = [
    { path: '/' },
    { path: '/breakers' },
    { path: '/metrics' },
    { path: '/livez' },
    { path: '/nothing' },
    { method: 'HEAD', path: '/events' },
    { method: 'HEAD', path: '/hystrix.stream' },
    { method: 'HEAD', path: '/hystrix/config.stream' },
    { method: 'HEAD', path: '/hystrix/utilization.stream' },
    { path: '/breakers', fields: { Host: 'evil.example' } },
    { method: 'OPTIONS', path: '/breakers', fields: { 'Access-Control-Request-Method': 'POST' } },
  ];

  for (const request of requests) {
    const { headers } = await ask(tcpPort, request);

    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.match(headers.get('cache-control') ?? '', /\bno-store\b/);
    assert.deepEqual(
      [...headers.keys()].filter((name) => name.startsWith('access-control-')),
      [],
    );
  }
});

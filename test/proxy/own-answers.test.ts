import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { after, test } from 'node:test';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after }, () => {});
const gone = await startRawUpstream({ after });
const closedPort = gone.address;
gone.kill();
const sidecar = await startSidecar(
  { after },
  {
    upstreams: {
      silent: { endpoints: [upstream.address], timeout: { total: '50ms' } },
      refused: { endpoints: [closedPort], retry: { attempts: 1 } },
      resets: { endpoints: [upstream.address], retry: { attempts: 1 } },
    },
  },
);

const post = (host: string, fields = ''): string =>
  `POST /x?secret HTTP/1.1\r\nHost: ${host}\r\n${fields}Content-Length: 3\r\n\r\nabc`;

test('a refused connection is a 502 that names upstream and attempts', async (t) => {
  const response = await exchangeRaw(t, sidecar.egress, post('refused', 'X-Request-Id: id-1\r\n'));

  assertOwnAnswer(response, { status: 502, type: 'connection_refused', reason: 'connect_refused' });
  assert.match(fieldOf(response, 'proxy-status') ?? '', /upstream=refused attempts=1"/);
  const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
  assert.equal(problem['upstream'], 'refused');
  assert.equal(problem['attempts'], 1);
  assert.equal(problem['requestId'], 'id-1');
  assert.ok(!response.body.includes('127.0.0.1'), 'no address of the inside');
});

test('every problem body says what, why and to whom', async (t) => {
  for (const host of ['refused', 'nowhere.test', '127.0.0.1']) {
    const response = await exchangeRaw(t, sidecar.egress, post(host));
    const problem = JSON.parse(response.body.toString()) as Record<string, unknown>;
    for (const member of ['type', 'title', 'detail', 'reason', 'requestId']) {
      assert.equal(typeof problem[member], 'string', `${member} in the problem of ${host}`);
    }
    assert.equal(typeof problem['attempts'], 'number');
    assert.equal(problem['status'], statusOf(response));
  }
});

test('a reset before the answer is a 502', async (t) => {
  upstream.handler = ({ connection }) => connection.socket.resetAndDestroy();
  const response = await exchangeRaw(t, sidecar.egress, post('resets'));
  assertOwnAnswer(response, { status: 502, type: 'connection_terminated', reason: 'reset' });
});

test('a timeout is a 504', async (t) => {
  upstream.handler = () => {};
  const response = await exchangeRaw(t, sidecar.egress, post('silent'));
  assertOwnAnswer(response, { status: 504, type: 'http_response_timeout' });
});

test('an answer of our own to HEAD has no body', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  const response = await client.send('HEAD / HTTP/1.1\r\nHost: refused\r\n\r\n').response({ toHead: true });
  assertOwnAnswer(response, { status: 502, type: 'connection_refused' });
  assert.equal(client.unread.length, 0);
  assert.equal(statusOf(await client.send(post('refused')).response()), 502);
});

test('a policy’s refusal leaves the connection open, its unread body read away', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(post('nowhere.test')).response()), 403);
  assert.equal(statusOf(await client.send(post('nowhere.test')).response()), 403);
});

test('two requests without an id get two different ones', async (t) => {
  const ids = [];
  for (let count = 0; count < 2; count += 1) {
    const response = await exchangeRaw(t, sidecar.egress, post('refused'));
    ids.push((JSON.parse(response.body.toString()) as Record<string, unknown>)['requestId']);
  }
  assert.notEqual(ids[0], ids[1]);
});

test('hostile names do not break out of Proxy-Status, body or log', async (t) => {
  const id = 'a"b\\c; error=x, y="';
  const response = await exchangeRaw(t, sidecar.egress, post('refused', `X-Request-Id: ${id}\r\n`));
  assertOwnAnswer(response, { status: 502, type: 'connection_refused', reason: 'connect_refused' });
});

const prohibited = [
  '169.254.169.254',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '0.0.0.0',
  '[::]',
  '224.0.0.1',
  '255.255.255.255',
  '[ff02::1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:a9fe:a9fe::]',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '169.254.43518',
];

test('a prohibited address is never dialled, however it is written', async (t) => {
  const open = await startSidecar(t, { egress: { unlisted: 'allow' } });
  const dialled: unknown[] = [];
  const connect = Socket.prototype.connect;
  t.mock.method(Socket.prototype, 'connect', function (this: Socket, ...args: unknown[]) {
    const [options] = args.flat() as { host?: string; port?: number; path?: string }[];
    const isLocal = options?.host === '127.0.0.1' || options?.path !== undefined;
    if (isLocal) return Reflect.apply(connect, this, args);
    dialled.push(options?.host);
    this.destroy(new Error('the test does not dial'));
    return this;
  });

  for (const host of prohibited) {
    const response = await exchangeRaw(t, open.egress, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const reason = assertOwnAnswer(response, { status: [400, 502] });
    assert.match(reason, /^(?:prohibited_address|bad_request|dns_error)$/, `${host}: ${reason}`);
  }

  assert.deepEqual(dialled, []);
});

test('the admin port cannot be reached through the proxy', async (t) => {
  const open = await startSidecar(t, { egress: { unlisted: 'allow' } });
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '127.1', '2130706433']) {
    const response = await exchangeRaw(
      t,
      open.egress,
      `GET /config HTTP/1.1\r\nHost: ${host}:${open.admin.port}\r\n\r\n`,
    );
    assertOwnAnswer(response, { status: [400, 404, 502] });
  }
});

test('too many unlisted destinations are refused, and the busy ones go on', async (t) => {
  const held = await startRawUpstream(t, () => {});
  const open = await startSidecar(t, { egress: { unlisted: 'allow', maxUnlisted: 1 } });
  const busy = await connectRaw(t, open.egress);
  busy.send(`GET / HTTP/1.1\r\nHost: ${held.address}\r\n\r\n`);
  await held.exchange(0);

  const response = await exchangeRaw(t, open.egress, `GET / HTTP/1.1\r\nHost: ${upstream.address}\r\n\r\n`);

  assertOwnAnswer(response, {
    status: 503,
    type: 'destination_unavailable',
    reason: 'too_many_destinations',
  });
  held.exchanges[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.equal(statusOf(await busy.response()), 200);
});

test('an unlisted destination is allowed where the configuration says so', async (t) => {
  const other = await startRawUpstream(t);
  const open = await startSidecar(t, { egress: { unlisted: 'allow' } });

  const response = await exchangeRaw(
    t,
    open.egress,
    `GET http://${other.address}/a HTTP/1.1\r\nHost: x\r\n\r\n`,
  );

  assert.equal(statusOf(response), 200);
  assert.equal(fieldOf(other.exchanges[0]!, 'host'), other.address);
});

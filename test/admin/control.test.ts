import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ask, changeFields, FakePort, startAdmin } from './admin-fixture.ts';

for (const [body, forced] of [
  ['{"force":"open"}', ['reviews', 'open', 3_600_000]],
  ['{"force":"closed","ttl":"10m"}', ['reviews', 'closed', 600_000]],
  ['{"force":"open","ttl":"unlimited"}', ['reviews', 'open', Number.POSITIVE_INFINITY]],
  ['{"force":"none"}', ['reviews', 'none', 3_600_000]],
] as const) {
  test(`${body} forces the breaker`, async (context) => {
    const { tcpPort, port } = await startAdmin(context);

    const answer = await ask(tcpPort, {
      method: 'POST',
      path: '/breakers/reviews',
      fields: changeFields,
      body,
    });

    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body).name, 'reviews');
    assert.deepEqual(port.forced, [forced]);
  });
}

for (const [body, status, advice] of [
  ['', 400, /not JSON/],
  ['{"force":', 400, /not JSON/],
  ['[]', 400, /JSON object/],
  ['null', 400, /JSON object/],
  ['{}', 400, /"open", "closed" or "none"/],
  ['{"force":true}', 400, /"open", "closed" or "none"/],
  ['{"force":"open","ttl":600}', 400, /"10m" or "1h30m", or "unlimited"/],
  ['{"force":"open","ttl":"ten minutes"}', 400, /"unlimited"/],
  ['{"force":"open","ttl":"0m"}', 400, /greater than zero/],
  ['{"force":"open","for":"10m"}', 400, /"for" is not known/],
  ['{"force":"open","__proto__":{"ttl":"10m"}}', 400, /"__proto__" is not known/],
  [`{"force":"open","ttl":"${'0'.repeat(70_000)}m"}`, 413, /64 KiB/],
] as const) {
  test(`${body.slice(0, 50)} is ${status} and says what to send`, async (context) => {
    const { tcpPort, port } = await startAdmin(context);

    const answer = await ask(tcpPort, {
      method: 'POST',
      path: '/breakers/reviews',
      fields: changeFields,
      body,
    });

    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.match(JSON.parse(answer.body).detail, advice);
    assert.deepEqual(port.forced, []);
  });
}

test('an unknown breaker cannot be forced', async (context) => {
  const { tcpPort, port } = await startAdmin(context);

  const body = '{"force":"open"}';
  const answer = await ask(tcpPort, { method: 'POST', path: '/breakers/nobody', fields: changeFields, body });

  assert.equal(answer.status, 404);
  assert.deepEqual(port.forced, []);
});

test('a client that leaves in the middle of its body changes nothing', async (context) => {
  const { tcpPort, port, server, defects } = await startAdmin(context);
  const socket = connect(tcpPort, '127.0.0.1');
  const head = 'POST /breakers/reviews HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  socket.end(`${head}X-Outrigger-Admin: 1\r\nContent-Length: 100\r\n\r\n{"force":"open"}`);
  await new Promise((resolve) => socket.resume().once('close', resolve));

  await server.close();

  assert.deepEqual(port.forced, []);
  assert.deepEqual(defects, []);
});

test('drain is offered where the sidecar offers it', async (context) => {
  let drains = 0;
  const port = Object.assign(new FakePort(), { drain: () => (drains += 1) });
  const { tcpPort } = await startAdmin(context, {}, port);

  const answer = await ask(tcpPort, { method: 'POST', path: '/drain', fields: changeFields });
  const reading = await ask(tcpPort, { path: '/drain' });

  assert.equal(answer.status, 202);
  assert.equal(reading.status, 405);
  assert.equal(drains, 1);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { AdminStartError } from '../../src/admin/admin-listener.ts';
import { startAdminServer } from '../../src/admin/server.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { describeCommand } from '../telemetry/command-fixture.ts';
import { adminSettings, ask, changeFields, FakePort, type RawAnswer, startAdmin } from './admin-fixture.ts';

const json = (answer: RawAnswer) => JSON.parse(answer.body);

for (const [path, name] of [
  ['/readyz', 'ready'],
  ['/livez', 'alive'],
  ['/startupz', 'started'],
] as const) {
  test(`${path} is 200 or 503 with the reason`, async (context) => {
    const { tcpPort, port } = await startAdmin(context);
    const good = await ask(tcpPort, { path });
    port[name] = { isOk: false, reason: 'because of the test' };

    const bad = await ask(tcpPort, { path });

    assert.equal(good.status, 200);
    assert.equal(json(good).status, 'ok');
    assert.equal(bad.status, 503);
    assert.deepEqual(json(bad), { status: 'unavailable', reason: 'because of the test' });
  });
}

test('the breakers are listed with state, counts, latencies and bulkhead', async (context) => {
  const { tcpPort, port, clock } = await startAdmin(context);
  port.commands.find('reviews')?.requestRejected('circuit_open', clock.now());

  const answer = await ask(tcpPort, { path: '/breakers' });

  const [breaker] = json(answer).breakers;
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(breaker.name, 'reviews');
  assert.equal(breaker.state, 'closed');
  assert.equal(breaker.nextProbeInMs, null);
  assert.equal(breaker.rolling.shortCircuited, 1);
  assert.equal(breaker.latencyExecute.percentilesMs['p99.5'], 0);
  assert.equal(breaker.bulkhead.concurrency, 256);
});

test('a breaker is found by its name, percent-encoded or not, and an unknown one is 404', async (context) => {
  const { tcpPort, port } = await startAdmin(context);
  port.commands.open(describeCommand('[::1]:80', { isUnlisted: true }));

  const plain = await ask(tcpPort, { path: '/breakers/reviews' });
  const encoded = await ask(tcpPort, { path: '/breakers/%5B%3A%3A1%5D%3A80' });
  const unknown = await ask(tcpPort, { path: '/breakers/nobody' });
  const broken = await ask(tcpPort, { path: '/breakers/%zz' });

  assert.equal(json(plain).name, 'reviews');
  assert.equal(json(encoded).name, '[::1]:80');
  assert.deepEqual([unknown.status, broken.status], [404, 404]);
  assert.equal(unknown.headers.get('content-type'), 'application/problem+json');
});

test('the other pages answer with what the sidecar says', async (context) => {
  const { tcpPort } = await startAdmin(context);

  const config = await ask(tcpPort, { path: '/config' });
  const upstreams = await ask(tcpPort, { path: '/upstreams' });
  const metrics = await ask(tcpPort, { path: '/metrics', fields: { Accept: 'text/x' } });

  assert.deepEqual(json(config), { admin: { token: '[redacted]' } });
  assert.deepEqual(json(upstreams), { upstreams: [] });
  assert.equal(metrics.body, 'metrics for text/x\n');
});

for (const [method, path, status, allow] of [
  ['POST', '/breakers', 405, 'GET, HEAD'],
  ['DELETE', '/breakers/reviews', 405, 'GET, HEAD, POST'],
  ['OPTIONS', '/', 405, 'GET, HEAD'],
  ['POST', '/livez', 405, 'GET, HEAD'],
  ['POST', '/reload', 404, undefined],
  ['POST', '/drain', 404, undefined],
  ['GET', '/../etc/passwd', 404, undefined],
  ['GET', '/constructor', 404, undefined],
  ['GET', '//', 404, undefined],
  ['GET', 'http://localhost/breakers', 404, undefined],
] as const) {
  test(`${method} ${path} is ${status}`, async (context) => {
    const { tcpPort, defects } = await startAdmin(context);

    const answer = await ask(tcpPort, { method, path, fields: changeFields });

    assert.equal(answer.status, status);
    assert.equal(answer.headers.get('allow'), allow);
    assert.deepEqual(defects, []);
  });
}

test('the page of a breaker that there is not says so', async (context) => {
  const { tcpPort } = await startAdmin(context);
  const { status, body } = await ask(tcpPort, { path: '/breakers/nope' });
  assert.equal(status, 404);
  assert.match(JSON.parse(body).detail, /^There is no breaker of this name/);
});

test('a path that is none leads to two that are', async (context) => {
  const { tcpPort } = await startAdmin(context);

  const { body } = await ask(tcpPort, { path: '/nothing-here' });
  const dashboard = await ask(tcpPort, { path: '/' });
  const breakers = await ask(tcpPort, { path: '/breakers' });

  assert.match(JSON.parse(body).detail, /^GET \/ is the dashboard, GET \/breakers lists the breakers$/);
  assert.match(dashboard.headers.get('content-type') ?? '', /^text\/html/);
  assert.ok(Array.isArray(json(breakers).breakers));
});

test('HEAD answers like GET without the body', async (context) => {
  const { tcpPort } = await startAdmin(context);

  const get = await ask(tcpPort, { path: '/config' });
  const head = await ask(tcpPort, { method: 'HEAD', path: '/config' });

  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), String(get.body.length));
  assert.equal(head.body, '');
});

test('a defect behind a page is a 500 for the caller and is reported', async (context) => {
  const { tcpPort, port, defects } = await startAdmin(context);
  const defect = new Error('defect');
  port.config = () => {
    throw defect;
  };

  const answer = await ask(tcpPort, { path: '/config' });

  assert.equal(answer.status, 500);
  assert.deepEqual(defects, [defect]);
});

test('the listener for probes answers those and metrics, by any Host, and nothing else', async (context) => {
  const probes = { host: '127.0.0.1', port: 0 };
  const { probesTcpPort } = await startAdmin(context, { probes, token: 's3cret' });
  const statusOf = async (path: string, method = 'GET') =>
    (await ask(probesTcpPort, { method, path, fields: { ...changeFields, Host: '10.1.2.3:7402' } })).status;

  for (const path of ['/livez', '/readyz', '/startupz', '/metrics']) assert.equal(await statusOf(path), 200);
  for (const path of ['/', '/breakers', '/breakers/reviews', '/config', '/upstreams', '/hystrix.stream']) {
    assert.equal(await statusOf(path), 404, path);
  }
  assert.equal(await statusOf('/breakers/reviews', 'POST'), 404);
  assert.equal(await statusOf('/livez', 'POST'), 405);
});

test('an address in use is an error that names the address and what moves it', async (context) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  context.after(() => taken.close());
  const { port: tcpPort } = taken.address() as { port: number };
  const start = (settings: typeof adminSettings) =>
    startAdminServer({ settings, port: new FakePort(), clock: new VirtualClock(), onDefect: () => {} });
  const address = { host: '127.0.0.1', port: tcpPort };

  await assert.rejects(start({ ...adminSettings, address }), (error) => {
    assert.ok(error instanceof AdminStartError);
    assert.equal(error.code, 'address_in_use');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${tcpPort} .*--admin or admin\\.address`));
    return true;
  });
  await assert.rejects(start({ ...adminSettings, probes: address }), /admin\.probes/);
});

test('an address that was given up leaves no timer and no connection behind when all is closed', async (context) => {
  const { server, clock, tcpPort } = await startAdmin(context);
  const socket = connect(tcpPort, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  const elsewhere = { host: '127.0.0.2', port: 0 };
  (await server.prepare({ ...adminSettings, address: elsewhere })).commit();
  assert.equal(clock.pendingTimers, 1);

  await server.close();

  assert.equal(clock.pendingTimers, 0);
  await closed;
});

test('an address that others can reach needs a token', async () => {
  const settings = { ...adminSettings, address: { host: '0.0.0.0', port: 0 } };

  const start = startAdminServer({
    settings,
    port: new FakePort(),
    clock: new VirtualClock(),
    onDefect: () => {},
  });

  await assert.rejects(start, { code: 'token_needed' });
});

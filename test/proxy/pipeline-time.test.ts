import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';

const upload = ['Content-Length: 6'];

test('the time in the queue counts towards the total', () => {
  const pipeline = new Pipeline({
    bulkhead: { concurrency: 1, queue: 1, queueTimeout: '2s' },
    timeout: { total: '3s' },
  });
  const first = pipeline.request();
  const second = pipeline.request();
  pipeline.clock.advance(1900);
  first.leave();

  pipeline.clock.advance(1099);
  assert.equal(second.status, 0);
  pipeline.clock.advance(1);

  assert.equal(second.status, 504);
  assert.equal(second.reason, 'total_timeout');
  assert.equal(pipeline.log.at(-1)!.queueMs, 1900);
});

test('the total does not run while the client sends, and runs in full from its last byte', () => {
  const pipeline = new Pipeline({ timeout: { total: '3s', idle: '10s' } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  pipeline.clock.advance(9000);
  client.send('abc');
  pipeline.clock.advance(9000);
  client.send('def');

  pipeline.clock.advance(2999);
  assert.equal(client.status, 0);
  pipeline.clock.advance(1);

  assert.equal(client.reason, 'total_timeout');
});

test('the attempt’s time, too, runs only from the request’s last byte', () => {
  const pipeline = new Pipeline({
    timeout: { attempt: '1s', total: '3s', idle: '10s' },
    retry: { attempts: 1 },
  });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  client.send('abc');
  pipeline.clock.advance(9000);
  client.send('def');

  pipeline.clock.advance(999);
  assert.equal(client.status, 0);
  pipeline.clock.advance(1);

  assert.equal(client.reason, 'attempt_timeout');
});

test('the total never cuts an answer that has begun', () => {
  const pipeline = new Pipeline({ timeout: { total: '3s' } });
  const client = pipeline.request();
  pipeline.clock.advance(2999);
  pipeline.transport.last.head(200);
  for (let i = 0; i < 100; i += 1) {
    pipeline.clock.advance(50_000);
    pipeline.transport.last.data('x');
  }

  pipeline.transport.last.end();

  assert.equal(client.status, 200);
  assert.equal(pipeline.log[0]!.outcome.kind, 'success');
});

test('a total that is longer than the idle time is not cut short by it once the request is whole', () => {
  const pipeline = new Pipeline({ timeout: { total: '2m', idle: '60s' } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  client.send('abcdef');

  pipeline.clock.advance(119_000);
  pipeline.transport.last.answer(200);

  assert.equal(client.status, 200);
});

test('a client that stops sending is told so, and the upstream is not blamed', () => {
  const pipeline = new Pipeline({ timeout: { idle: '20s' } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  client.send('abc');
  pipeline.clock.advance(19_999);
  assert.equal(client.status, 0);

  pipeline.clock.advance(1);

  assert.equal(client.status, 408, 'the upstream would have taken more');
  assert.match(client.sent, /\r\nConnection: close\r\n/, 'and nobody waits for the rest');
  assert.equal(client.state, 'over');
  assert.equal(pipeline.book.figures(pipeline.clock.now()).status.total, 0, 'and so it is no failure of its');
});

test('an upload that the upstream does not take is its failure', () => {
  const pipeline = new Pipeline({ timeout: { idle: '20s' }, retry: { attempts: 1 } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  client.send('abc');
  pipeline.transport.last.request.body!.pause();

  pipeline.clock.advance(20_000);

  assert.equal(client.reason, 'idle_timeout');
  assert.equal(pipeline.book.figures(pipeline.clock.now()).status.errors, 1);
});

test('an answer that stands still is a failure of the upstream, but not where it is the client that takes nothing', () => {
  for (const [isReading, errors] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const pipeline = new Pipeline({ timeout: { idle: '20s' } });
    const client = pipeline.request();
    client.isReading = isReading;
    pipeline.transport.last.head(200);
    pipeline.transport.last.data('o');

    pipeline.clock.advance(20_000);

    assert.equal(client.state, 'destroyed');
    assert.equal(pipeline.book.figures(pipeline.clock.now()).status.errors, errors);
  }
});

test('bytes of the upstream that are no content keep neither an upload nor an answer alive', () => {
  const uploading = new Pipeline({ timeout: { idle: '20s' }, retry: { attempts: 1 } });
  const sender = uploading.request('PUT', upload);
  uploading.transport.last.connect();
  sender.send('abc');
  uploading.transport.last.request.body!.pause();
  const answering = new Pipeline({ timeout: { idle: '20s' } });
  const reader = answering.request();
  answering.transport.last.head(200);
  answering.transport.last.data('o');
  for (const pipeline of [uploading, answering]) {
    pipeline.clock.advance(19_000);
    pipeline.transport.last.readNothing();

    pipeline.clock.advance(1000);
  }

  assert.equal(sender.reason, 'idle_timeout');
  assert.equal(reader.state, 'destroyed');
});

test('an upload that moves keeps an answer alive that does not', () => {
  const pipeline = new Pipeline({ timeout: { idle: '20s' } });
  const client = pipeline.request('PUT', ['Content-Length: 60']);
  pipeline.transport.last.connect();
  pipeline.transport.last.head(200);
  for (let i = 0; i < 10; i += 1) {
    pipeline.clock.advance(19_000);
    client.send('abc');
  }

  assert.equal(client.state, 'open');
  pipeline.clock.advance(20_000);
  assert.equal(client.state, 'destroyed');
});

test('a limit that passes while an answer is in hand passes that answer on', async () => {
  const pipeline = new Pipeline({ timeout: { idle: '500ms' } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  pipeline.transport.last.answer(503, ['Content-Length: 2', 'Retry-After: 1']);
  assert.equal(client.status, 0);

  await pipeline.advance(500);
  pipeline.transport.last.data('no');
  pipeline.transport.last.end();

  assert.match(client.sent, /^HTTP\/1\.1 503 Said\r\n[\s\S]*no$/);
  assert.deepEqual(pipeline.held, nothing);
});

test('the whole exchange’s time bounds the wait for a retry, too, and an answer that is passed on', async () => {
  const pipeline = new Pipeline({ timeout: { total: '3s', body: '3s' } });
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.connect();
  await pipeline.advance(2500);

  pipeline.transport.last.head(503, ['Content-Length: 2', 'Retry-After: 1']);
  pipeline.transport.last.data('n');
  await pipeline.advance(499);
  assert.match(client.sent, /^HTTP\/1\.1 503 Said\r\n/, 'no other attempt can come in time: it is not held');
  assert.equal(client.state, 'open');

  await pipeline.advance(1);
  assert.equal(client.state, 'destroyed');
  assert.equal(pipeline.log[0]!.retrySkipped, 'deadline');
  assert.deepEqual(pipeline.held, nothing);
});

test('nothing is tried again after the total, whatever retry.on says', async () => {
  const pipeline = new Pipeline({ timeout: { total: '3s' }, retry: { on: ['timeout', 'reset'] } });
  const client = pipeline.request();

  await pipeline.advance(3000);
  await pipeline.advance(10_000);

  assert.equal(client.reason, 'total_timeout');
  assert.equal(pipeline.transport.attempts.length, 1);
});

test('a limit that passes in the same moment in which a retry is decided is not lost', async () => {
  const pipeline = new Pipeline({
    timeout: { attempt: '1s', idle: '1020ms' },
    retry: { on: ['timeout', 'connect-failure'], attempts: 5, backoff: { base: '20ms', max: '20ms' } },
  });
  // Timers are shared: one request before makes the attempt's limit be looked at before the exchange's.
  pipeline.request('PUT', upload).leave();
  pipeline.clock.advance(10);
  const client = pipeline.request('PUT', upload);
  pipeline.transport.last.end(failure('connect_refused', true));
  await pipeline.advance(20);

  // Both limits pass now: the attempt is given up, to go again, and so is the exchange.
  pipeline.clock.advance(1000);

  assert.equal(client.reason, 'attempt_timeout');
  await pipeline.advance(60_000);
  assert.equal(pipeline.transport.attempts.length, 3);
  assert.deepEqual(pipeline.held, nothing);
});

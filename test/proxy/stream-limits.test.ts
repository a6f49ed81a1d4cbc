import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pipeline } from '../rig/pipeline.ts';

const limits = { timeout: { attempt: '1s', total: '3s', idle: '20s' }, retry: { attempts: 1 } };

test('an event stream lives as long as its pauses are shorter than the idle time, whatever total and attempt are', () => {
  const pipeline = new Pipeline(limits);
  const client = pipeline.request();
  pipeline.transport.last.head(200, ['Content-Type: text/event-stream']);
  for (let event = 0; event < 500; event += 1) {
    pipeline.clock.advance(19_999);
    pipeline.transport.last.data(`data: ${event}\n\n`);
  }

  assert.equal(client.state, 'open');
  assert.match(client.sent, /data: 499\n\n/);
  pipeline.clock.advance(20_000);
  assert.equal(client.state, 'destroyed', 'and no longer');
});

test('an upload that trickles lives as long, before the answer and beside it', () => {
  for (const answersEarly of [false, true]) {
    const pipeline = new Pipeline(limits);
    const client = pipeline.request('PUT', ['Content-Length: 100']);
    pipeline.transport.last.connect();
    if (answersEarly) pipeline.transport.last.head(200);
    for (let sent = 0; sent < 100; sent += 1) {
      pipeline.clock.advance(19_999);
      client.send('x');
    }

    if (answersEarly) {
      pipeline.transport.last.data('ok');
      pipeline.transport.last.end();
    } else pipeline.transport.last.answer(200);

    assert.equal(client.status, 200);
    assert.equal(pipeline.log[0]!.outcome.kind, 'success');
  }
});

test('a client that pauses for less than the idle time gets its whole answer', () => {
  const pipeline = new Pipeline(limits);
  const client = pipeline.request();
  pipeline.transport.last.head(200);
  client.isReading = false;
  pipeline.transport.last.data('o');
  assert.equal(pipeline.transport.last.isPaused, true);

  pipeline.clock.advance(19_999);
  client.read();
  pipeline.transport.last.data('k');
  pipeline.transport.last.end();

  assert.match(client.sent, /ok$/);
  assert.equal(pipeline.log[0]!.outcome.kind, 'success');
});

test('a client that has bytes waiting and takes none is cut by the idle time, and the attempt with it', () => {
  const pipeline = new Pipeline(limits);
  const client = pipeline.request();
  pipeline.transport.last.head(200);
  client.isReading = false;
  pipeline.transport.last.data('o');

  pipeline.clock.advance(19_999);
  assert.equal(client.state, 'open');
  pipeline.clock.advance(1);

  assert.equal(client.state, 'destroyed');
  assert.equal(pipeline.transport.last.abortedWith?.kind, 'failure');
  assert.equal(pipeline.log[0]!.outcome.kind, 'failure');
});

test('the total begins with the last byte of the request, however long the way to it was', () => {
  const pipeline = new Pipeline(limits);
  const client = pipeline.request('POST', ['Transfer-Encoding: chunked']);
  pipeline.transport.last.connect();
  for (let part = 0; part < 10; part += 1) {
    pipeline.clock.advance(15_000);
    client.send('1\r\nx\r\n');
  }
  pipeline.clock.advance(15_000);
  client.send('0\r\n\r\n');
  pipeline.clock.advance(999);

  pipeline.transport.last.answer(200);

  assert.equal(client.status, 200);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientGone, failure } from '../../src/policy/outcome.ts';
import { Endpoint } from '../../src/upstream/endpoint.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from '../../src/upstream/transport.ts';
import { FakeTransport } from '../rig/fake-transport.ts';
import { GivenContent } from '../rig/given-content.ts';
import type { Owner } from '../rig/owner.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { openEndpoint, realTransports } from '../rig/real-transports.ts';
import { SinkNotes } from '../rig/sink-notes.ts';

/** A transport, and the server at its other end. */
interface Bench {
  prepare(sink: ResponseSink, request?: OutgoingRequest): Attempt;
  /** A 103, a 200 whose content is two bytes long. */
  answerHead(): unknown;
  answerRest(): unknown;
  /** Head and content at once. */
  answerWhole(): unknown;
  breakOff(): unknown;
  /** Waits until the request's content has come up to here. */
  hasContent(text: string): Promise<void>;
}

const early = 'HTTP/1.1 103 Early\r\n\r\n';
const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

const realBench = async (owner: Owner, transport: Transport): Promise<Bench> => {
  const upstream = await startRawUpstream(owner, () => {});
  const endpoint = openEndpoint(owner, upstream.port);
  const write = async (bytes: string) => (await upstream.exchange(0)).write(bytes);
  return {
    prepare: (sink, request = plainRequest) => transport.prepare(endpoint, request, sink),
    answerHead: () => write(early + head),
    answerRest: () => write('ok'),
    answerWhole: () => write(`${head}ok`),
    breakOff: async () => (await upstream.exchange(0)).connection.socket.resetAndDestroy(),
    hasContent: async (text) => {
      const { connection } = await upstream.exchange(0);
      const { exchanges } = connection;
      await connection.changed.until(() =>
        (exchanges[0]?.message?.body ?? connection.partialBody).toString() === text ? true : null,
      );
    },
  };
};

const benches: Readonly<Record<string, (owner: Owner) => Promise<Bench>>> = {
  'our HTTP/1.1': (owner) => realBench(owner, realTransports['our HTTP/1.1'](owner)),
  undici: (owner) => realBench(owner, realTransports.undici(owner)),
  'the double': async () => {
    const transport = new FakeTransport();
    transport.onStart = (attempt) => attempt.connect();
    const endpoint = new Endpoint({ kind: 'ip', host: '127.0.0.1', port: 1 });
    let hasHead = false;
    const answerHead = () => {
      transport.last.inform('103 Early');
      transport.last.head(200);
      hasHead = true;
    };
    const answerRest = () => {
      transport.last.data('ok');
      transport.last.end();
    };
    return {
      prepare: (sink, request = plainRequest) => transport.prepare(endpoint, request, sink),
      answerHead,
      answerRest,
      answerWhole: () => transport.last.answer(200),
      breakOff: () => transport.last.end(failure(hasHead ? 'response_incomplete' : 'reset', false)),
      hasContent: async (text) => {
        assert.equal(transport.last.received.filter((each) => each !== '(end)').join(''), text);
      },
    };
  },
};

/** A request whose content the test delivers. */
const uploadOf = (body: GivenContent, fields = ''): OutgoingRequest => ({
  ...plainRequest,
  method: 'POST',
  headText: `POST /x HTTP/1.1\r\nHost: u\r\nContent-Length: 6\r\n${fields}\r\n`,
  body,
});

for (const [name, open] of Object.entries(benches)) {
  const begun = async (owner: Owner, request = plainRequest) => {
    const bench = await open(owner);
    const notes = new SinkNotes();
    const attempt = bench.prepare(notes, request);
    notes.attempt = attempt;
    assert.deepEqual(notes.told, [], 'nothing begins before start');
    attempt.start();
    await notes.count(1);
    return { bench, notes, attempt };
  };

  test(`${name}: an answer is told in its order, and its end once`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);
    bench.answerRest();
    await notes.over();
    attempt.abort(clientGone);
    attempt.discard();
    attempt.pause();
    attempt.resume();

    assert.deepEqual(notes.told, [
      'connected',
      'informational 103',
      'head 200',
      'data ok',
      'end success 200',
    ]);
    assert.equal(notes.trailers, '');
  });

  test(`${name}: an abort is the end, told before it returns and only once`, async (t) => {
    const { notes, attempt } = await begun(t);

    attempt.abort(failure('attempt_timeout', false));
    assert.deepEqual(notes.told, ['connected', 'end failure attempt_timeout']);
    attempt.abort(clientGone);

    assert.equal(notes.told.length, 2);
  });

  test(`${name}: an abort in the middle of the answer ends with what it was aborted for`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);

    attempt.abort(clientGone);

    assert.equal(notes.told.at(-1), 'end cancelled client_gone');
  });

  test(`${name}: an abort from within the head ends it there`, async (t) => {
    const { bench, notes } = await begun(t);
    notes.during.head = (attempt) => attempt.abort(clientGone);

    bench.answerHead();
    await notes.over();

    assert.deepEqual(notes.told.slice(2), ['head 200', 'end cancelled client_gone']);
  });

  test(`${name}: after a discard nothing more is told`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);

    attempt.discard();
    attempt.abort(clientGone);

    assert.equal(notes.told.length, 3);
  });

  test(`${name}: a connection that is lost before the head is a reset`, async (t) => {
    const { bench, notes } = await begun(t);
    bench.breakOff();

    assert.equal(await notes.over(), 'end failure reset');
    assert.equal(notes.isUnsent, false);
  });

  test(`${name}: one that is lost after the head is an incomplete answer`, async (t) => {
    const { bench, notes } = await begun(t);
    bench.answerHead();
    await notes.count(3);
    bench.breakOff();

    assert.equal(await notes.over(), 'end failure response_incomplete');
  });

  test(`${name}: a pause from within the head holds back content and end until it is resumed`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    notes.during.head = (paused) => paused.pause();
    // In one piece: without the pause the content would be told in the same breath.
    await bench.answerWhole();
    await notes.count(2);
    assert.deepEqual(notes.told.slice(1), ['head 200']);

    attempt.resume();
    // The double answers only those who listen.
    if (name === 'the double') bench.answerRest();

    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.content, 'ok');
  });

  test(`${name}: the request's content is sent as it comes, and its end`, async (t) => {
    const body = new GivenContent(6);
    const { bench, notes } = await begun(t, uploadOf(body));
    body.give('abc');
    await bench.hasContent('abc');
    body.give('def');
    body.end();
    await bench.hasContent('abcdef');

    bench.answerWhole();

    assert.equal(await notes.over(), 'end success 200');
  });

  test(`${name}: an attempt that ends lets go of the request's content`, async (t) => {
    const body = new GivenContent(6);
    const { bench, attempt } = await begun(t, uploadOf(body));
    body.give('abc');
    await bench.hasContent('abc');
    assert.notEqual(body.consumer, null);

    attempt.abort(clientGone);

    assert.equal(body.consumer, null);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../src/policy/outcome.ts';
import { type RawExchange, startRawUpstream } from '../rig/raw-upstream.ts';
import { openEndpoint, realTransports } from '../rig/real-transports.ts';
import { begin } from '../rig/sink-notes.ts';

const h = 'HTTP/1.1 200 OK\r\n';
const end = (exchange: RawExchange): void => void exchange.connection.socket.end();
const reset = (exchange: RawExchange): void => void exchange.connection.socket.resetAndDestroy();

/** Answers that break off or are malformed: what the server sends, how it goes on, and the failure with its detail. */
const cuts: readonly (readonly [
  what: string,
  bytes: string,
  cut: ((exchange: RawExchange) => void) | null,
  failure: string,
  /** Where undici has another word for what is wrong: what it says. */
  undiciSays?: string,
])[] = [
  ['nothing at all', '', end, 'reset EOF'],
  ['half a head', `${h}X-A: b\r\n`, end, 'reset EOF'],
  ['half a counted body', `${h}Content-Length: 9\r\n\r\nabc`, end, 'response_incomplete EOF'],
  [
    'half a counted body after Connection: close',
    `${h}Connection: close\r\nContent-Length: 9\r\n\r\nabc`,
    end,
    'response_incomplete EOF',
  ],
  ['half a chunk', `${h}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`, end, 'response_incomplete EOF'],
  [
    'half a chunk after Connection: close',
    `${h}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc`,
    end,
    'response_incomplete EOF',
  ],
  ['a reset in a counted body', `${h}Content-Length: 9\r\n\r\nabc`, reset, 'response_incomplete ECONNRESET'],
  [
    'a reset in a chunk after Connection: close',
    `${h}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc`,
    reset,
    'response_incomplete ECONNRESET',
  ],
  ['a reset in content without a length', `${h}\r\nabc`, reset, 'response_incomplete ECONNRESET'],
  [
    'a malformed chunk',
    `${h}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`,
    null,
    'protocol_error chunk_size',
    'protocol_error HTTP_PARSER',
  ],
  [
    'a folded field',
    `${h}X: a\r\n b\r\n\r\n`,
    null,
    'protocol_error field_name',
    'protocol_error HTTP_PARSER',
  ],
  ['a status of 600', 'HTTP/1.1 600 X\r\n\r\n', null, 'protocol_error status'],
  ['a status of 099', 'HTTP/1.1 099 X\r\n\r\n', null, 'protocol_error status'],
  [
    'a coding of gzip',
    `${h}Transfer-Encoding: gzip\r\n\r\n`,
    null,
    'response_transfer_coding transfer_coding',
  ],
  ['a bell in the phrase', 'HTTP/1.1 200 O\x07\r\n\r\n', null, 'protocol_error status_line'],
  ['200 fields', `${h}${'X: y\r\n'.repeat(200)}\r\n`, null, 'response_head_too_large field_count'],
  [
    'a long head',
    `${h}X: ${'y'.repeat(9000)}\r\n\r\n`,
    null,
    'response_head_too_large head_size',
    'response_head_too_large UND_ERR_HEADERS_OVERFLOW',
  ],
  ['a trailer section that is too long', longTrailer(), null, 'response_head_too_large trailer_size'],
  ['eleven informational heads', 'HTTP/1.1 103 E\r\n\r\n'.repeat(11), null, 'protocol_error informational'],
  ['a 101 without a protocol', 'HTTP/1.1 101 S\r\n\r\n', null, 'upgrade_failed switched'],
  [
    'an unasked 101',
    'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    null,
    'upgrade_failed switched',
    'protocol_error UND_ERR_SOCKET',
  ],
];

function longTrailer(): string {
  return `${h}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: ${'y'.repeat(2000)}\r\n\r\n`;
}

for (const [name, open] of Object.entries(realTransports)) {
  for (const [what, bytes, cut, failure, undiciSays = failure] of cuts) {
    const expected = name === 'undici' ? undiciSays : failure;
    test(`${name}: ${what}: ${expected}`, { timeout: 10_000 }, async (t) => {
      const upstream = await startRawUpstream(t, () => {});
      const { notes } = begin(open(t), openEndpoint(t, upstream.port));
      const exchange = await upstream.exchange(0);
      exchange.write(bytes);
      // What was written is read before the cut: a reset overtakes it otherwise.
      if (bytes.includes('abc')) await notes.hasContent('abc');
      cut?.(exchange);

      await notes.over();

      const { reason, detail, isUnsent } = notes.outcome as Failure;
      assert.equal(`${reason} ${detail}`, expected);
      assert.equal(isUnsent, false);
      await exchange.connection.over();
    });
  }

  test(`${name}: who pauses hears nothing of content and end, whatever comes`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const { notes, attempt } = begin(open(t), openEndpoint(t, upstream.port));
    notes.during.head = (paused) => paused.pause();
    const exchange = await upstream.exchange(0);

    exchange.write(`${h}\r\n${'x'.repeat(40_000)}`);
    exchange.connection.socket.end();
    await notes.count(2);
    assert.deepEqual(notes.told, ['connected', 'head 200']);
    attempt.resume();

    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.content.length, 40_000);
  });

  test(`${name}: a whole answer stands for who has paused, although its connection is reset meanwhile`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t);
    const { notes, attempt } = begin(transport, endpoint);
    notes.during.head = (paused) => paused.pause();
    const exchange = await upstream.exchange(0);
    exchange.write(`${h}Content-Length: 2\r\n\r\nok`);
    await notes.count(2);

    reset(exchange);
    // By the time that another connection has answered, the reset has come.
    const other = begin(transport, endpoint);
    (await upstream.exchange(1)).write(`${h}Content-Length: 0\r\n\r\n`);
    await other.notes.over();
    attempt.resume();

    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.content, 'ok');
  });

  test(`${name}: a reset ends an answer that is paused as incomplete`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const { notes } = begin(open(t), openEndpoint(t, upstream.port));
    notes.during.data = (paused) => {
      paused.pause();
      delete notes.during.data;
    };
    const exchange = await upstream.exchange(0);
    exchange.write(`${h}\r\nabc`);
    await notes.hasContent('abc');
    exchange.write('def');

    reset(exchange);

    // Nobody who is paused need be told before he goes on.
    notes.attempt!.resume();
    assert.equal(await notes.over(), 'end failure response_incomplete');
  });
}

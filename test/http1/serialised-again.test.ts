import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyReader } from '../../src/http1/body.ts';
import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { RequestHead } from '../../src/http1/request-head.ts';
import { ResponseHead } from '../../src/http1/response-head.ts';
import { requestText, responseText } from '../../src/proxy/headers.ts';
import { mutated, wellFormedRequest, wellFormedResponse } from '../rig/message-arbitrary.ts';
import { nodeReadsRequests, nodeReadsResponse } from '../rig/node-opinion.ts';

const headBounds = { lineBytes: 8192, headBytes: 32_768, fields: 200 };
const chunkedBounds = { extensionBytes: 1024, trailerBytes: 8192, fields: 200 };
const via = 'Via: 1.1 outrigger-test\r\n';

interface Content {
  readonly body: string;
  readonly trailers: string;
}

/** The content after a head; null where it is not whole or breaks a rule. */
const contentOf = (length: number, rest: Buffer): Content | null => {
  const reader = new BodyReader(length, chunkedBounds, Number.POSITIVE_INFINITY);
  const bytes = Buffer.from(rest);
  const dataEnd = reader.read(bytes, 0, bytes.length);
  if (dataEnd < 0 || !reader.isDone) return null;
  return { body: bytes.toString('latin1', 0, dataEnd), trailers: reader.trailers };
};

const framed = (isChunked: boolean, { body, trailers }: Content): string => {
  if (!isChunked) return body;
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${chunk}0\r\n${trailers}\r\n`;
};

const empty: Content = { body: '', trailers: '' };

test('a request that we take means to Node, as we send it on, one request with the same content', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(wellFormedRequest),
        wellFormedRequest.map(({ bytes }) => bytes),
      ),
      async (bytes) => {
        const scanner = new HeadScanner('request', headBounds);
        if (scanner.scan(bytes, 0, bytes.length) !== 'complete') return;
        const end = scanner.skipped + scanner.length;
        const head = new RequestHead(scanner, bytes.toString('latin1', scanner.skipped, end));
        if (head.interpret(scanner) !== null) return;
        const isChunked = head.framing === 'chunked';
        const length = isChunked ? -1 : head.contentLength;
        const content = head.framing === 'none' ? empty : contentOf(length, bytes.subarray(end));
        if (content === null) return;
        accepted += 1;
        const sent =
          requestText(head, { host: 'u.test', via, attempt: 2, offered: '' }) + framed(isChunked, content);
        const next = 'GET /next HTTP/1.1\r\nHost: u.test\r\nConnection: close\r\n\r\n';

        const { messages, error } = await nodeReadsRequests(Buffer.from(sent + next, 'latin1'));

        if (error === 'HPE_INVALID_METHOD') return;
        assert.deepEqual(
          messages.map(({ startLine }) => startLine),
          [`${head.method} ${head.path} HTTP/1.1`, 'GET /next HTTP/1.1'],
        );
        assert.equal(messages[0]!.body.toString('latin1'), content.body);
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 200, `only ${accepted} were taken`);
});

test('an answer that we take means to Node, as we send it on, the same content', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(wellFormedResponse),
        wellFormedResponse.map(({ bytes }) => bytes),
      ),
      async (bytes) => {
        const scanner = new HeadScanner('response', headBounds);
        if (scanner.scan(bytes, 0, bytes.length) !== 'complete') return;
        const head = new ResponseHead(scanner, bytes.toString('latin1', 0, scanner.length));
        if (head.interpret(scanner, 'GET') !== null || head.isInformational) return;
        const rest = bytes.subarray(scanner.length);
        const content =
          head.framing === 'none'
            ? empty
            : head.framing === 'close'
              ? { body: rest.toString('latin1'), trailers: '' }
              : contentOf(head.framing === 'chunked' ? -1 : head.contentLength, rest);
        if (content === null) return;
        accepted += 1;
        const isChunked = head.framing === 'chunked' || head.framing === 'close';

        const sent = responseText(head, { via, isChunked, connection: '' }) + framed(isChunked, content);
        const { messages, error } = await nodeReadsResponse(Buffer.from(sent, 'latin1'));

        assert.equal(error, null);
        assert.equal(messages[0]!.body.toString('latin1'), content.body);
        assert.equal(messages[0]!.startLine.slice(0, 12), `HTTP/1.1 ${head.status}`);
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(accepted > 200, `only ${accepted} were taken`);
});

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { refusalTable } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  { ...upstreamU([upstream.address]), limits: { headTimeout: '200ms', bodyIdle: '200ms' } },
);

const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: u.test\r\n${fields}\r\n`;
const options = (hops: string): string =>
  `OPTIONS * HTTP/1.1\r\nHost: u.test\r\nMax-Forwards: ${hops}\r\n\r\n`;

refusalTable(sidecar, upstream, [
  {
    name: 'thousands of names in Connection are refused before anything is looked up among the fields',
    bytes: get(`Connection: ${'a,'.repeat(10_000)}b\r\n`),
  },
  { name: 'Max-Forwards below zero on OPTIONS is refused', bytes: options('-1') },
  { name: 'Max-Forwards with letters on OPTIONS is refused', bytes: options('5x') },
  {
    name: 'Max-Forwards beyond what a number can hold on OPTIONS is refused',
    bytes: options('9'.repeat(30)),
  },
]);

test('an empty line after a request, and then nothing, is no request: the connection ends without a word', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get('')).response()), 200);

  client.send('\r\n');

  assert.equal(await client.closed(), 'end');
  assert.equal(client.unread.length, 0);
});

test('a client that is told 408 for its body is told that the connection ends, and it does', async (t) => {
  const client = await connectRaw(t, sidecar.egress);

  client.send('POST / HTTP/1.1\r\nHost: u.test\r\nContent-Length: 10\r\n\r\nabc');
  const response = await client.response();

  assert.equal(statusOf(response), 408);
  assert.ok(
    response.fields.some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close'),
  );
  assert.equal(await client.closed(), 'end');
});

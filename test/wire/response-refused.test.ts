import { after } from 'node:test';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { type BadResponseRow, badResponseTable, protocolError } from '../rig/response-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const respond = (fields: string, rest = 'evil'): string =>
  `HTTP/1.1 200 OK\r\nX-Evil: 1\r\n${fields}\r\n${rest}`;
const start = (line: string): string => `${line}\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil`;

const badCoding = {
  status: 502,
  type: 'http_response_transfer_coding',
  reason: 'response_transfer_coding',
};
const badFraming = { status: 502 };
const headTooLarge = {
  status: 502,
  type: 'http_response_header_section_size',
  reason: 'response_head_too_large',
};
const upgradeFailed = { status: 502, type: 'http_upgrade_failed', reason: 'upgrade_failed' };
const terminated = { status: 502, type: 'connection_terminated', reason: 'reset' };

const rows: readonly BadResponseRow[] = [
  {
    name: 'an answer with Content-Length and Transfer-Encoding is refused before a byte of it is forwarded',
    bytes: respond('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    answer: badFraming,
  },
  {
    name: 'an answer with two equal Content-Length lines is refused',
    bytes: respond('Content-Length: 4\r\nContent-Length: 4\r\n'),
  },
  {
    name: 'an answer with two different Content-Length lines is refused',
    bytes: respond('Content-Length: 4\r\ncontent-length: 5\r\n'),
  },
  ...['+4', '-1', '0x4', '4, 4', '', 'four', '18446744073709551619'].map((length) => ({
    name: `an answer with Content-Length ${JSON.stringify(length)} is refused`,
    bytes: respond(`Content-Length: ${length}\r\n`),
  })),
  ...['gzip', 'gzip, chunked', 'identity', 'xchunked', 'chunked, gzip'].map((coding) => ({
    name: `an answer with Transfer-Encoding ${coding} is refused`,
    bytes: respond(`Transfer-Encoding: ${coding}\r\n`, '0\r\n\r\n'),
    answer: badCoding,
  })),
  {
    name: 'an answer with two Transfer-Encoding lines is refused',
    bytes: respond('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    answer: badFraming,
  },
  {
    name: 'an HTTP/1.0 answer with Transfer-Encoding is refused',
    bytes: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    answer: badFraming,
    // undici does not say of which version an answer was.
    undici: 'passes',
  },
  ...['99', '099', '600', '700', '999', '1000', 'abc', '2OO', '', '+200', '20'].map((status) => ({
    name: `an answer with the status ${JSON.stringify(status)} is refused`,
    bytes: start(`HTTP/1.1 ${status} Evil`),
  })),
  ...['HTTP/1.10', 'http/1.1', 'HTTP/3', 'ICY', 'HTTP/1'].map((version) => ({
    name: `an answer of version ${version} is refused`,
    bytes: start(`${version} 200 Evil`),
  })),
  ...['HTTP/2.0', 'HTTP/0.9'].map((version) => ({
    name: `an answer of version ${version} is refused`,
    bytes: start(`${version} 200 Evil`),
    undici: 'passes' as const,
  })),
  ...['\0', '\x07', '\r', '\x7f', '\x1b[31m'].map((control) => ({
    name: `a control in the reason phrase is refused: ${JSON.stringify(control)}`,
    bytes: start(`HTTP/1.1 200 Ev${control}il`),
  })),
  {
    name: 'an answer with a folded header is refused',
    bytes: respond('X-A: b\r\n evil: c\r\nContent-Length: 4\r\n'),
  },
  {
    name: 'an answer with a bare CR in a header is refused',
    bytes: respond('X-A: b\rc\r\nContent-Length: 4\r\n'),
  },
  {
    name: 'an answer with a bare LF in a header is refused',
    bytes: respond('X-A: b\nc: d\r\nContent-Length: 4\r\n'),
  },
  {
    name: 'an answer with bare LF line ends is refused',
    bytes: 'HTTP/1.1 200 OK\nX-Evil: 1\nContent-Length: 4\n\nevil',
  },
  { name: 'an answer with NUL in a header is refused', bytes: respond('X-A: b\0c\r\nContent-Length: 4\r\n') },
  {
    name: 'an answer with a space before a colon is refused',
    bytes: respond('X-A : b\r\nContent-Length: 4\r\n'),
  },
  { name: 'an answer with an empty header name is refused', bytes: respond(': b\r\nContent-Length: 4\r\n') },
  {
    name: 'an answer with a line without a colon is refused',
    bytes: respond('nonsense\r\nContent-Length: 4\r\n'),
  },
  {
    name: 'an answer with a header section beyond 64 KiB is refused',
    bytes: respond(`${`X-A: ${'b'.repeat(1000)}\r\n`.repeat(70)}Content-Length: 4\r\n`),
    answer: headTooLarge,
  },
  {
    name: 'an answer with 20,000 headers is refused',
    bytes: respond(`${'X-A: b\r\n'.repeat(20_000)}Content-Length: 4\r\n`),
    answer: headTooLarge,
  },
  {
    name: 'an answer with 300 small headers is refused: none is lost in silence',
    bytes: respond(`${'X-A: b\r\n'.repeat(300)}Content-Length: 4\r\n`),
    answer: headTooLarge,
  },
  {
    name: 'a header line of 1 MB without end is refused without waiting for its end',
    bytes: `HTTP/1.1 200 OK\r\nX-Evil: ${'b'.repeat(1_000_000)}`,
    answer: headTooLarge,
  },
  {
    name: 'a status line of 1 MB without end is refused without waiting for its end',
    bytes: `HTTP/1.1 200 ${'b'.repeat(1_000_000)}`,
    answer: { status: 502 },
    undici: 'waits',
  },
  { name: 'an SSH banner instead of an answer is refused', bytes: 'SSH-2.0-OpenSSH_evil\r\n' },
  { name: 'a TLS alert instead of an answer is refused', bytes: Buffer.from('15030100020228', 'hex') },
  { name: 'HTML without a head is refused', bytes: '<html>evil</html>\r\n\r\n' },
  { name: 'an HTTP/0.9 answer is refused', bytes: 'evil', closes: true },
  {
    name: 'an empty close instead of an answer is a terminated connection',
    bytes: '',
    closes: true,
    answer: terminated,
  },
  {
    name: 'a head that breaks off is no answer',
    bytes: 'HTTP/1.1 200 OK\r\nX-Evil: 1\r\n',
    closes: true,
    answer: { status: 502 },
  },
  {
    name: 'an empty line before the status line is refused',
    bytes: `\r\n${respond('Content-Length: 4\r\n')}`,
    undici: 'passes',
  },
  {
    name: 'a switch of protocols that nobody asked for is refused',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\nevil',
    answer: upgradeFailed,
    // What exactly was wrong undici says only in prose.
    undici: protocolError,
  },
  {
    name: 'a switch of protocols without naming one is refused',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\nevil',
    answer: upgradeFailed,
  },
];

for (const transport of ['native', 'undici'] as const) {
  const upstream = await startRawUpstream({ after });
  // The breaker is held closed: dozens of failures in a row are what this file is made of.
  const sidecar = await startSidecar(
    { after },
    upstreamU([upstream.address], { transport, breaker: { force: 'closed' } }),
  );
  badResponseTable(transport, sidecar, upstream, rows);
}

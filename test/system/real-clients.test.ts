import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type HttpUpstream, startHttpUpstream } from '../rig/http-upstream.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

const run = promisify(execFile);

const missing = (program: string): string | false =>
  spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`;

const closers: (() => unknown)[] = [];
const owner = { after: (close: () => unknown) => closers.unshift(close) };
let upstream: HttpUpstream;
let sidecar: SidecarProcess;

before(async () => {
  upstream = await startHttpUpstream(owner, (call, response) => {
    response.setHeader('x-seen-host', String(call.headers['host']));
    response.setHeader('x-seen-via', String(call.headers['via']));
    response.end(`${call.method} ${call.path} ${call.bodyHash}`);
  });
  sidecar = await startSidecarProcess(owner, { egress: { unlisted: 'allow' } });
});

after(async () => {
  for (const close of closers) await close();
});

const proxyVariables = () => {
  const proxy = `http://127.0.0.1:${sidecar.egress.port}`;
  return { PATH: process.env['PATH'] ?? '', http_proxy: proxy, HTTP_PROXY: proxy, NODE_USE_ENV_PROXY: '1' };
};

const curl = async (...args: string[]): Promise<string> => {
  const { stdout } = await run('curl', ['-sS', '--max-time', '10', ...args], { env: proxyVariables() });
  return stdout;
};

test('curl calls through the proxy', { skip: missing('curl') }, async () => {
  const answer = await curl('-i', `http://${upstream.address}/things?x=1`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, new RegExp(`x-seen-host: ${upstream.address}\r\n`, 'i'));
  assert.match(answer, /x-seen-via: 1\.1 outrigger-[0-9a-f]{6}\r\n/i);
  assert.match(answer, /GET \/things\?x=1 /);
});

test('curl uploads 2 MiB in chunks, having asked whether it may', { skip: missing('curl') }, async () => {
  const body = 'x'.repeat(2 * 1024 * 1024);
  const upload = run(
    'curl',
    ['-sS', '--max-time', '10', '-T', '-', '-H', 'Expect: 100-continue', `http://${upstream.address}/up`],
    {
      env: proxyVariables(),
    },
  );
  upload.child.stdin?.end(body);
  const { stdout } = await upload;
  assert.match(stdout, /^PUT \/up /);
  assert.equal(upstream.calls.at(-1)?.bodyBytes, body.length);
});

test('curl is told what went wrong and by whom', { skip: missing('curl') }, async () => {
  const closed = `127.0.0.1:${sidecar.admin.port === 9 ? 10 : 9}`;
  const answer = await curl('-i', `http://${closed}/`);
  assert.match(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/);
  assert.match(answer, /Proxy-Status: outrigger; error=connection_refused; details="reason=connect_refused /);
  assert.match(answer, /"reason":"connect_refused"/);
});

test('the fetch of Node calls through the proxy, several at once and with a body', async () => {
  const program = `
    const base = 'http://${upstream.address}';
    const texts = await Promise.all([1, 2, 3, 4].map(async (n) => (await fetch(base + '/n' + n)).text()));
    const posted = await fetch(base + '/p', { method: 'POST', body: 'a'.repeat(100000) });
    console.log(JSON.stringify({ texts, status: posted.status, via: posted.headers.get('via') }));
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
    env: proxyVariables(),
  });
  const { texts, status, via } = JSON.parse(stdout) as { texts: string[]; status: number; via: string };
  assert.deepEqual(
    texts.map((text) => text.split(' ')[1]),
    ['/n1', '/n2', '/n3', '/n4'],
  );
  assert.equal(status, 200);
  assert.match(via, /outrigger-/);
});

test('python calls through the proxy', { skip: missing('python3') }, async () => {
  const program = `import urllib.request; print(urllib.request.urlopen('http://${upstream.address}/py').read().decode())`;
  const { stdout } = await run('python3', ['-c', program], { env: proxyVariables() });
  assert.match(stdout, /^GET \/py /);
});

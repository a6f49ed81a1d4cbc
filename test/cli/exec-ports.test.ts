import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { anyPorts, configFile, nodeScript, startExec } from './exec-process.ts';
import { OutriggerProcess, outrigger } from './outrigger-process.ts';

test('an upstream with a port of its own is called by its variable', async (t) => {
  const upstreams = {
    'orders-db': { protocol: 'tcp', listen: '127.0.0.1:0', endpoints: ['127.0.0.1:9'] },
    reviews: {
      listen: '127.0.0.1:0',
      endpoints: ['127.0.0.1:9'],
      fallback: { on: ['connect_refused'], body: 'ours' },
    },
  };
  const script = `fetch(process.env.OUTRIGGER_UPSTREAM_REVIEWS).then((answer) => answer.text()).then((text) =>
    console.log(text, process.env.OUTRIGGER_UPSTREAM_ORDERS_DB))`;
  const { stdout } = await startExec(t, nodeScript(script), { config: { upstreams } }).finished;
  assert.match(stdout, /^ours 127\.0\.0\.1:\d+\n$/);
});

test('upstreams whose variables could not be told apart are refused with one line and code 78', async (t) => {
  const own = (port: number) => ({ listen: `127.0.0.1:${port}`, endpoints: ['127.0.0.1:9'] });
  const file = configFile(t, { upstreams: { 'a-b': own(19_001), a_b: own(19_002) } });
  const { code, stderr } = await outrigger(['exec', ...anyPorts, '-c', file, '--', 'true']);
  assert.equal(code, 78);
  assert.match(stderr, /^outrigger: upstreams\.a-b and upstreams\.a_b [^\n]*OUTRIGGER_UPSTREAM_A_B[^\n]*\n$/);
});

test('default ports that are taken are replaced by free ones, with one line that names them', async (t) => {
  // If this one fails, somebody else has it: that is as well.
  const other = createServer()
    .on('error', () => {})
    .listen(7400, '127.0.0.1');
  t.after(() => other.close());
  const script = 'console.log(process.env.HTTP_PROXY, process.env.OUTRIGGER_ADMIN)';
  const started = new OutriggerProcess(['exec', '--no-summary', '--', ...nodeScript(script)]);
  const { code, stdout, stderr } = await started.finished;
  const [, egress, admin] = /^http:\/\/(\S+) (\S+)\n$/.exec(stdout) ?? [];
  assert.equal(code, 0);
  assert.notEqual(egress, '127.0.0.1:7400');
  assert.equal(
    stderr,
    `outrigger: a default port is in use: proxy on http://${egress}, admin on http://${admin}\n`,
  );
});

test('a port that was asked for is not replaced', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  t.after(() => other.close());
  const taken = `127.0.0.1:${(other.address() as { port: number }).port}`;
  for (const flag of ['--egress', '--admin']) {
    const { code, stderr } = await outrigger(['exec', ...anyPorts, flag, taken, '--', 'true']);
    assert.equal(code, 1);
    assert.match(stderr, /^outrigger: [^\n]+\n$/);
    assert.ok(stderr.includes(taken) && stderr.includes(flag), stderr);
  }
});

test('what the environment said of another proxy is replaced with one line, without the password in it', async (t) => {
  const env = { HTTPS_PROXY: 'http://somebody:secret@corp.test:3128', NO_PROXY: '*' };
  const script = 'console.log(process.env.HTTPS_PROXY, process.env.NO_PROXY)';
  const { stdout, stderr } = await startExec(t, nodeScript(script), { env }).finished;
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+ \*\n$/);
  assert.match(stderr, /^outrigger: HTTPS_PROXY replaced: [^\n]+\noutrigger: NO_PROXY is \*: [^\n]+\n/);
  assert.ok(!stderr.includes('secret'));
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { DemoRun } from '../../src/cli/demo-run.ts';
import { scenarioNames, scenarios } from '../../src/demo/scenarios.ts';
import { shopConfig } from '../../src/demo/shop-config.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import type { Owner } from '../rig/owner.ts';
import { OutriggerProcess, outrigger } from './outrigger-process.ts';

const anyPorts = ['--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const startDemo = (owner: Owner, ...args: string[]): OutriggerProcess => {
  const demo = new OutriggerProcess(['demo', ...anyPorts, ...args]);
  owner.after(() => demo.child.kill('SIGKILL'));
  return demo;
};

/** The ports that the demo's first lines name: of the admin interface, and of the proxy. */
const portsIn = (text: string): number[] => {
  const admin = /dashboard +http:\/\/127\.0\.0\.1:(\d+)/.exec(text);
  const egress = /curl -i -x http:\/\/127\.0\.0\.1:(\d+)/.exec(text);
  assert.ok(admin !== null && egress !== null, text);
  return [Number(admin[1]), Number(egress[1])];
};

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect({ host: '127.0.0.1', port });
  const connected = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  const answer = await connected;
  socket.destroy();
  return answer;
};

/** What this process holds open of the demo. */
const openServers = (): string[] =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap');

test('it says what to open and what will happen, serves the call that it proposes, and a signal ends it all', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const demo = startDemo(t);
    const text = await demo.untilWritten(/all is well/);
    const [admin = 0, egress = 0] = portsIn(text);
    for (const name of scenarioNames) assert.ok(text.includes(`  ${name} `), text);
    const caller = makeCaller(t, { host: '127.0.0.1', port: egress });
    assert.equal(statusOrCode(await caller.call({ host: 'recommendations', path: '/for/7' })), 200);
    assert.ok(await isOpen(admin));

    demo.child.kill(signal);

    const { code, stderr } = await demo.finished;
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual([await isOpen(admin), await isOpen(egress)], [false, false]);
  }
});

test('a stop that comes while it starts leaves nothing open', async () => {
  const lines: string[] = [];
  const demo = new DemoRun({
    scenarios,
    egress: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    endsAfterMs: 60_000,
    terminal: { env: {}, print: (line) => lines.push(line), complain: (line) => lines.push(line) },
  });
  const before = openServers().length;

  demo.start();
  await demo.drain();

  const [admin = 0, egress = 0] = portsIn(lines.join('\n'));
  assert.deepEqual([await isOpen(admin), await isOpen(egress)], [false, false]);
  assert.equal(openServers().length, before);
});

test('with one scenario it announces that one alone, and with a time it ends by itself', async (t) => {
  const demo = startDemo(t, '--scenario', 'flaky', '--for', '1ms');
  const { code, stdout, stderr } = await demo.finished;
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, / flaky /);
  for (const name of scenarioNames) if (name !== 'flaky') assert.ok(!stdout.includes(`  ${name} `), stdout);
});

test('an unknown scenario is wrong usage, and the line names those that there are', async () => {
  const { code, stderr } = await outrigger(['demo', ...anyPorts, '--scenario', 'flood']);
  assert.equal(code, 64);
  assert.match(stderr, /^outrigger: [^\n]+\n$/);
  for (const name of scenarioNames) assert.ok(stderr.includes(name), stderr);
});

test('--help lists the scenarios and what each is', async () => {
  const { code, stdout } = await outrigger(['demo', '--help']);
  assert.equal(code, 0);
  for (const { name, title } of scenarios) assert.match(stdout, new RegExp(`^  ${name} +${title}$`, 'm'));
});

test('a time or an address that is none is wrong usage', async () => {
  for (const flag of ['--for', '--egress', '--admin']) {
    const { code, stderr } = await outrigger(['demo', ...anyPorts, flag, 'soon']);
    assert.equal(code, 64);
    assert.match(stderr, /^[^\n]+\n$/);
    assert.ok(stderr.includes(flag) && stderr.includes('soon'), stderr);
  }
});

test('a port in use is one line that names the port and the flag, with code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  for (const flag of ['--egress', '--admin']) {
    const { code, stderr } = await outrigger(['demo', ...anyPorts, flag, `127.0.0.1:${port}`]);
    assert.equal(code, 1);
    assert.match(stderr, /^outrigger: [^\n]+\n$/);
    assert.ok(stderr.includes(String(port)) && stderr.includes(flag), stderr);
  }
});

test('--print-config prints the configuration and starts nothing', async () => {
  const { code, stdout } = await outrigger(['demo', '--print-config']);
  assert.equal(code, 0);
  assert.equal(stdout, shopConfig);
});

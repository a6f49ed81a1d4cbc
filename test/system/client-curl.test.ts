import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ClientAnswer, type ClientCall, contentOf, downloadBytes } from '../rig/client-calls.ts';
import { type ClientTask, testClients } from '../rig/client-matrix.ts';
import { lastHead, runCommand, runWell, withoutProgram } from '../rig/command-client.ts';
import { eventually } from '../rig/eventually.ts';
import { hashOf } from '../rig/http-upstream.ts';
import { withoutOpenssl } from '../rig/https-server.ts';

const common = ['-sS', '--max-time', '20', '--no-buffer'];

const bodyArguments = ({ body }: ClientCall, { stage }: ClientTask): string[] => {
  if (body === undefined) return [];
  if (body === 'length') return ['-T', stage.uploadFile];
  if (body === 'chunked') return ['-T', stage.uploadFile, '-H', 'Transfer-Encoding: chunked'];
  return ['--data-binary', body.text];
};

const once = async (call: ClientCall, task: ClientTask): Promise<ClientAnswer[]> => {
  const { env } = task.way;
  const fields = Object.entries(call.fields ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const one = ['-L', ...common, ...fields, ...bodyArguments(call, task), task.base + call.path];
  if (call.leaveAfterBytes !== undefined) {
    await runCommand('curl', one, { env, killAfterBytes: call.leaveAfterBytes });
    return [];
  }
  const files = Array.from({ length: call.times ?? 1 }, (_, index) =>
    ['head', 'body'].map((part) => join(task.stage.folder, `curl-${part}-${index}`)),
  );
  const all = files.flatMap(([head = '', body = ''], index) => [
    ...(index === 0 ? [] : ['--next']),
    ...['-D', head, '-o', body, ...one],
  ]);
  // An answer without content makes no file.
  for (const [, body] of files) writeFileSync(body!, '');
  await runWell('curl', all, { env });
  return files.map(([head, body]) => {
    const content = readFileSync(body!);
    return {
      ...lastHead(readFileSync(head!, 'latin1')),
      bodyBytes: content.length,
      bodyHash: hashOf(content),
    };
  });
};

const perform = async (task: ClientTask): Promise<ClientAnswer[][]> => {
  const answers: ClientAnswer[][] = [];
  for (const call of task.calls) answers.push(await once(call, task));
  return answers;
};

const stage = testClients([
  {
    name: 'curl',
    skip: withoutProgram('curl'),
    asks: 'absolute',
    reads: ['http_proxy', 'https_proxy', 'HTTPS_PROXY'],
    perform,
  },
]);

const skip = withoutOpenssl || withoutProgram('curl');

const curl = (...args: string[]) => runWell('curl', [...common, ...args], { env: stage().proxied.env });

for (const scheme of ['http', 'https'] as const) {
  test(`curl resumes a download where it broke off, over ${scheme}`, { skip }, async () => {
    const file = join(stage().folder, `resumed-${scheme}`);
    const whole = contentOf(downloadBytes);
    writeFileSync(file, whole.subarray(0, 1_234_567));

    await curl('-C', '-', '-o', file, `${stage().named[scheme]}/download`);

    assert.ok(readFileSync(file).equals(whole));
    assert.equal(stage().server.calls.at(-1)?.headers['range'], 'bytes=1234567-');
  });
}

test('curl that asks before it sends is told to go on by the server, and sends', { skip }, async () => {
  const head = join(stage().folder, 'continue-head');

  const { stdout } = await curl(
    ...['-H', 'Expect: 100-continue', '--expect100-timeout', '60', '-T', stage().uploadFile, '-D', head],
    `${stage().named.http}/echo`,
  );

  assert.match(readFileSync(head, 'latin1'), /^HTTP\/1\.1 100 Continue\r\n/);
  const { bodyHash } = JSON.parse(stdout.toString()) as { bodyHash: string };
  assert.equal(bodyHash, hashOf(readFileSync(stage().uploadFile)));
  assert.equal(stage().server.calls.at(-1)?.headers['expect'], '100-continue');
});

test('curl goes through a tunnel in the clear, too, when it is told to', { skip }, async () => {
  const { stdout } = await curl('--proxytunnel', `${stage().named.http}/small`);

  assert.equal(stdout.toString(), 'this is /small');
  assert.equal(stage().server.calls.at(-1)?.headers['via'], undefined);
  // Of tunnels to the secure server, which were there before, some may come into the log only now.
  await eventually('the tunnel is in the log', () =>
    stage().sidecar.accessLog.some(
      ({ protocol, upstream }) => protocol === 'connect' && upstream === 'files',
    ),
  );
});

test('curl in HTTP/1.0 gets what HTTP/1.1 gets', { skip }, async () => {
  const { stdout } = await curl('--http1.0', `${stage().named.http}/download`);

  assert.equal(hashOf(stdout), hashOf(contentOf(downloadBytes)));
  assert.match(String(stage().server.calls.at(-1)?.headers['via']), /^1\.0 /);
});

test('curl is told what went wrong and by whom, in the clear and when it asks for a tunnel', {
  skip,
}, async () => {
  const closed = '127.0.0.1:9';

  const plain = await curl('-i', `http://${closed}/`);
  const tunnel = await runCommand('curl', [...common, '-i', `https://${closed}/`], {
    env: stage().proxied.env,
  });

  assert.match(
    plain.stdout.toString(),
    /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*Proxy-Status: outrigger; error=connection_refused; details="reason=connect_refused /,
  );
  assert.equal(tunnel.exitCode, 56);
  assert.match(tunnel.stderr, /response 502/);
  assert.match(tunnel.stdout.toString(), /reason=connect_refused /);
});

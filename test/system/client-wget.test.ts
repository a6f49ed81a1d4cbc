import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ClientAnswer, type ClientCall, contentOf, downloadBytes } from '../rig/client-calls.ts';
import { type ClientTask, testClients } from '../rig/client-matrix.ts';
import { lastHead, runCommand, runWell, withoutProgram } from '../rig/command-client.ts';
import { hashOf } from '../rig/http-upstream.ts';
import { withoutOpenssl } from '../rig/https-server.ts';

const common = (caFile: string): string[] => [
  '-q',
  '--tries=1',
  '--timeout=20',
  `--ca-certificate=${caFile}`,
];

const bodyArguments = ({ method, body }: ClientCall, { stage }: ClientTask): string[] => {
  if (body === undefined) return [];
  const content = typeof body === 'string' ? `--body-file=${stage.uploadFile}` : `--body-data=${body.text}`;
  return [`--method=${method}`, content];
};

/** Takes apart what `--save-headers` has written, where each answer says how long it is. */
const savedAnswers = (saved: Buffer): ClientAnswer[] => {
  const answers: ClientAnswer[] = [];
  for (let offset = 0; offset < saved.length; ) {
    const start = saved.indexOf('\r\n\r\n', offset) + 4;
    const head = lastHead(saved.toString('latin1', offset, start));
    const body = saved.subarray(start, start + Number(head.fields['content-length'] ?? 0));
    answers.push({ ...head, bodyBytes: body.length, bodyHash: hashOf(body) });
    offset = start + body.length;
  }
  return answers;
};

const once = async (call: ClientCall, task: ClientTask): Promise<ClientAnswer[]> => {
  const { env } = task.way;
  const fields = Object.entries(call.fields ?? {}).map(([name, value]) => `--header=${name}: ${value}`);
  const urls = Array.from({ length: call.times ?? 1 }, () => task.base + call.path);
  const how = [...common(task.stage.secure.caFile), '--content-on-error', '--save-headers', '-O', '-'];
  const all = [...how, ...fields, ...bodyArguments(call, task), ...urls];
  if (call.leaveAfterBytes !== undefined) {
    await runCommand('wget', all, { env, killAfterBytes: call.leaveAfterBytes });
    return [];
  }
  // It ends with an error where the status is one.
  return savedAnswers((await runCommand('wget', all, { env })).stdout);
};

const perform = async (task: ClientTask): Promise<ClientAnswer[][]> => {
  const answers: ClientAnswer[][] = [];
  for (const call of task.calls) answers.push(await once(call, task));
  return answers;
};

const stage = testClients([
  {
    name: 'wget',
    skip: withoutProgram('wget'),
    cannot: ['an upload in chunks'],
    asks: 'absolute',
    reads: ['http_proxy', 'https_proxy'],
    perform,
  },
]);

for (const scheme of ['http', 'https'] as const) {
  test(`wget resumes a download where it broke off, over ${scheme}`, {
    skip: withoutOpenssl || withoutProgram('wget'),
  }, async () => {
    const { folder, named, proxied, secure, server } = stage();
    const file = join(folder, `resumed-${scheme}`);
    const whole = contentOf(downloadBytes);
    writeFileSync(file, whole.subarray(0, 1_234_567));

    const how = [...common(secure.caFile), '-c', '-O', file, `${named[scheme]}/download`];
    await runWell('wget', how, { env: proxied.env });

    assert.ok(readFileSync(file).equals(whole));
    assert.equal(server.calls.at(-1)?.headers['range'], 'bytes=1234567-');
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startExec } from '../cli/exec-process.ts';
import { withoutProgram } from '../rig/command-client.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';

/** How each calls the address that stands in `URL`, and why it cannot here; false: it can. */
const clients: readonly (readonly [name: string, command: readonly string[], skip: string | false])[] = [
  ['curl', ['sh', '-c', 'curl -sf "$URL"'], withoutProgram('curl')],
  ['wget', ['sh', '-c', 'wget -q -O - "$URL"'], withoutProgram('wget')],
  [
    'urllib',
    ['python3', '-c', 'import os, urllib.request as r; print(r.urlopen(os.environ["URL"]).read().decode())'],
    withoutProgram('python3'),
  ],
  [
    'requests',
    ['python3', '-c', 'import os, requests; print(requests.get(os.environ["URL"]).text)'],
    withoutProgram('python3', ['-c', 'import requests']),
  ],
  [
    'fetch',
    [process.execPath, '-e', 'fetch(process.env.URL).then((answer) => answer.text()).then(console.log)'],
    false,
  ],
];

for (const [name, command, skip] of clients) {
  test(`below exec ${name} finds the sidecar, and goes past it where it should`, { skip }, async (t) => {
    const upstream = await startHttpUpstream(t, (call, response) => {
      response.end(call.headers['via'] === undefined ? 'directly' : 'by the sidecar');
    });
    const config = {
      upstreams: { files: { hosts: ['files.test'], endpoints: [upstream.address] } },
    };
    const call = (url: string) =>
      startExec(t, command, { config, env: { PATH: process.env['PATH'] ?? '', URL: url } }).finished;

    const named = await call('http://files.test/');
    assert.match(named.stdout, /^by the sidecar\n?$/);
    assert.match(named.stderr, /^files +1 +0 +0 +0 +0 +-$/m);

    const local = await call(`http://127.0.0.1:${upstream.port}/`);
    assert.match(local.stdout, /^directly\n?$/);
    assert.equal(local.stderr, 'outrigger: no calls went through the proxy\n');
  });
}

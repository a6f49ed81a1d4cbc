import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { contentOf } from '../rig/client-calls.ts';
import { runWell, withoutProgram } from '../rig/command-client.ts';
import { eventually } from '../rig/eventually.ts';
import { serveGit } from '../rig/git-server.ts';
import { serveOverTls, withoutOpenssl } from '../rig/https-server.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';

const skip = withoutOpenssl || withoutProgram('git');

/** Who commits, and nothing of this machine's own settings. */
const identity = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@code.test',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@code.test',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
};

/** A repository with one commit behind a server in the clear and over TLS, and a sidecar that knows it as `code.test`. */
const start = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-git-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const server = createServer((request, response) => serveGit(join(folder, 'served'), request, response));
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const secure = await serveOverTls(t, server, ['code.test']);
  const direct = {
    http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    https: `https://127.0.0.1:${secure.port}`,
  };
  const sidecar = await startSidecarProcess(t, {
    upstreams: {
      code: { hosts: ['code.test'], endpoints: [direct.http.slice('http://'.length)] },
      'secure-code': { hosts: ['code.test:443'], endpoints: [`127.0.0.1:${secure.port}`] },
    },
  });
  const proxy = `http://127.0.0.1:${sidecar.egress.port}`;
  const plainEnv = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GIT_SSL_CAINFO: secure.caFile,
    ...identity,
  };
  const proxiedEnv = { ...plainEnv, http_proxy: proxy, https_proxy: proxy };
  const git = (cwd: string, args: readonly string[], env: Record<string, string> = plainEnv) =>
    runWell('git', args, { env, cwd: join(folder, cwd) }).then(({ stdout }) => stdout.toString().trim());
  await git('.', ['init', '-q', '--bare', '-b', 'main', 'served/code.git']);
  await git('.', ['-C', 'served/code.git', 'config', 'http.receivepack', 'true']);
  await git('.', ['clone', '-q', 'served/code.git', 'first']);
  writeFileSync(join(folder, 'first/blob'), contentOf(1_000_000));
  await git('first', ['add', '.']);
  await git('first', ['commit', '-q', '-m', 'first']);
  await git('first', ['push', '-q', 'origin', 'HEAD:main']);
  return { folder, sidecar, direct, proxiedEnv, git };
};

for (const scheme of ['http', 'https'] as const) {
  test(`git clones, fetches and pushes through the sidecar what it does without, over ${scheme}`, {
    skip,
  }, async (t) => {
    const { folder, sidecar, direct, proxiedEnv, git } = await start(t);
    const pushed = contentOf(3_000_000);

    await git('.', ['clone', '-q', `${direct[scheme]}/code.git`, 'straight']);
    await git('.', ['clone', '-q', `${scheme}://code.test/code.git`, 'through'], proxiedEnv);
    const [straight, through] = [
      await git('straight', ['rev-parse', 'HEAD']),
      await git('through', ['rev-parse', 'HEAD']),
    ];
    writeFileSync(join(folder, 'through/pushed'), pushed);
    await git('through', ['add', '.']);
    await git('through', ['commit', '-q', '-m', 'second']);
    // More than a megabyte: git sends it in chunks.
    await git('through', ['push', '-q'], proxiedEnv);
    await git('straight', ['pull', '-q']);
    writeFileSync(join(folder, 'straight/third'), 'third');
    await git('straight', ['add', '.']);
    await git('straight', ['commit', '-q', '-m', 'third']);
    await git('straight', ['push', '-q']);
    await git('through', ['pull', '-q'], proxiedEnv);

    assert.equal(through, straight);
    assert.ok(readFileSync(join(folder, 'straight/pushed')).equals(pushed));
    assert.equal(readFileSync(join(folder, 'through/third'), 'utf8'), 'third');
    assert.equal(await git('through', ['fsck', '--full', '--strict']), '');
    const protocol = scheme === 'http' ? 'http' : 'connect';
    const seen = () => sidecar.accessLog.filter((line) => line['protocol'] === protocol);
    await eventually('clone, push and pull are in the log', () => seen().length >= 3);
    // Over TLS it leaves without hearing the server's goodbye, which may be a reset: nobody's failure.
    const failed = seen().filter(({ outcome }) => outcome !== 'success' && outcome !== 'cancelled');
    assert.deepEqual(failed, []);
  });
}

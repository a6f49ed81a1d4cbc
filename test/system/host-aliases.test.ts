import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '../rig/command-client.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecar } from '../rig/sidecar.ts';

const mark = 'OUTRIGGER_TEST_HOSTS';

/** `aliased` points at a port of the sidecar's own, as the host alias of a pod does; `real` at an upstream. */
const hosts = '127.0.0.1 localhost\n127.0.0.2 aliased.test\n127.0.0.1 real.test\n';

const tests = (): void => {
  test('a name that the hosts file has for an upstream is called', async (t) => {
    const upstream = await startHttpUpstream(t);
    const sidecar = await startSidecar(t, {
      upstreams: { real: { hosts: ['real.test'], dns: `real.test:${upstream.port}` } },
    });
    const result = await makeCaller(t, sidecar.egress).call({ host: 'real.test' });
    assert.equal(statusOrCode(result), 200);
  });

  test('a name that the hosts file has for our own port does not lead back to us, not even at first', async (t) => {
    const listen = '127.0.0.2:9080';
    const sidecar = await startSidecar(t, {
      upstreams: { aliased: { listen, hosts: ['aliased.test'], dns: 'aliased.test:9080' } },
    });
    const result = await makeCaller(t, sidecar.listener('aliased')).call({ host: 'aliased.test' });
    assert.ok(result.kind === 'answer');
    assert.match(String(result.headers['proxy-status']), /reason=(?:dns_error|no_endpoint)/);
  });
};

const own = ['unshare', '--net', '--mount', 'sh', '-c'] as const;

/** Why there can be no hosts file of the test's own; false: there can. */
const withoutOwnHosts = (): string | false => {
  const [program, ...args] = own;
  const { status, error } = spawnSync(program, [
    ...args,
    'ip link set lo up && mount --bind /etc/hosts /etc/hosts',
  ]);
  return error === undefined && status === 0 ? false : 'needs root, namespaces, ip and mount';
};

if (process.env[mark] !== undefined) tests();
else {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-hosts-'));
  after(() => rmSync(folder, { recursive: true }));

  test('names in a hosts file of their own', { skip: withoutOwnHosts() }, async () => {
    const files = { hosts, 'resolv.conf': 'nameserver 127.0.0.1\n' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const mounts = Object.keys(files).map((name) => `mount --bind ${join(folder, name)} /etc/${name}`);
    const script = ['ip link set lo up', ...mounts, 'exec "$0" "$@"'].join(' && ');
    const [program, ...args] = own;
    const { exitCode, stdout, stderr } = await runCommand(
      program,
      [...args, script, process.execPath, import.meta.filename],
      { env: { PATH: process.env['PATH'] ?? '', [mark]: 'own' } },
    );
    assert.equal(exitCode, 0, `${stdout}${stderr}`);
  });
}

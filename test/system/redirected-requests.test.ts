import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { restrictedBreaches } from '../deploy/pod-security.ts';
import { runCommand } from '../rig/command-client.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const container = parse(readFileSync(path('deploy/kubernetes/redirect/redirect-container.yaml'), 'utf8'));

test('the redirect costs what its page says', () => {
  const breaches = restrictedBreaches({ containers: [container] }).join('\n');
  assert.match(breaches, /adds NET_ADMIN, NET_RAW/);
  assert.match(breaches, /runAsUser is 0/);
});

/** An upstream on port 80 that says by which `Via` it was called. */
const upstream = `require('http').createServer((q, s) => s.end('via ' + (q.headers.via ?? 'nobody'))).listen(80, '10.9.0.1',
  () => require('fs').writeFileSync(process.argv[1], ''));`;

/** A node with the upstream, and in a network of its own a pod with the redirect and the sidecar, joined by a cable. */
const scene = (folder: string): string => `
set -eu
trap 'kill $sidecar $served $pod' EXIT
sidecar= served= pod=
until_there() { until [ -e "$1" ]; do sleep 0.05; done; }
ip link set lo up
unshare --net sh -c ': > ${folder}/pod; exec sleep 60' & pod=$!
until_there ${folder}/pod
ip link add v0 type veth peer name v1 netns $pod
ip addr add 10.9.0.1/24 dev v0; ip link set v0 up
in_pod() { nsenter -t $pod -n "$@"; }
in_pod sh -c 'ip link set lo up; ip addr add 10.9.0.2/24 dev v1; ip link set v1 up'
in_pod sh ${folder}/redirect.sh
node="$0"
"$node" -e "$UPSTREAM" ${folder}/upstream & served=$!
until_there ${folder}/upstream
nsenter -t $pod -n setpriv --reuid 65532 --regid 65532 --clear-groups "$node" ${path('bin/outrigger.js')} run > ${folder}/log & sidecar=$!
until in_pod curl -sf --noproxy '*' -o ${folder}/ready http://127.0.0.1:7401/readyz; do sleep 0.05; done
as() { in_pod setpriv --reuid "$1" --regid "$1" --clear-groups curl -s --max-time 10 --noproxy '*' -w '\\n' http://10.9.0.1/; }
as 10001
as 65532
`;

const withoutPods = (): string | false => {
  const script =
    'ip link add v0 type veth peer name v1 && iptables -w -t nat -L -n && setpriv --version && nsenter --version';
  const { status, error } = spawnSync('unshare', ['--net', 'sh', '-c', script]);
  return error === undefined && status === 0
    ? false
    : 'needs root, network namespaces, ip, iptables and setpriv';
};

test('plain HTTP of the app goes through the proxy, and that of the sidecar does not', {
  skip: withoutPods(),
}, async () => {
  // Node as 65532 must be able to read its way down to the sources.
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-redirect-'));
  after(() => rmSync(folder, { recursive: true }));
  const [, , script] = container.command as [string, string, string];
  writeFileSync(join(folder, 'redirect.sh'), `set -e\n${script}`);
  const { exitCode, stdout, stderr } = await runCommand(
    'unshare',
    ['--net', 'sh', '-c', scene(folder), process.execPath],
    { env: { PATH: process.env['PATH'] ?? '', UPSTREAM: upstream } },
  );
  assert.equal(exitCode, 0, stderr);
  const [app, sidecar] = stdout.toString().split('\n');
  assert.match(app!, /^via 1\.1 outrigger-/);
  assert.equal(sidecar, 'via nobody');
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const program = `
  const server = require('node:http').createServer((request, response) => response.end('late ' + request.url));
  server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(server.address().port));
`;

/** A server in a process of its own, which can be stopped in the middle of whatever it does. */
const startServer = async (t: TestContext) => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const freeze = async (): Promise<void> => {
    child.kill('SIGSTOP');
    await eventually('it is stopped', () => / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')));
  };
  return { address: `127.0.0.1:${Number(line.toString())}`, freeze, thaw: () => child.kill('SIGCONT') };
};

test('an endpoint that is frozen costs nobody an error, and what it answers later reaches nobody', {
  skip: process.platform === 'linux' ? false : 'stops a process by way of /proc',
}, async (t) => {
  const frozen = await startServer(t);
  const healthy = await startHttpUpstream(t, ({ path }, response) => response.end(`good ${path}`));
  const sidecar = await startSidecar(
    t,
    upstreamU([frozen.address, healthy.address], {
      timeout: { attempt: '150ms' },
      retry: { on: ['timeout', 'connect-failure'], budget: { minPerSecond: 1000 } },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const bodies = async (from: number): Promise<string[]> => {
    const results = await closedLoop(40, 4, (index) => caller.call({ path: `/${from + index}` }));
    assert.deepEqual(tallyOf(results), { 200: 40 });
    return results.map((result) => (result.kind === 'answer' ? result.body.toString() : ''));
  };
  await bodies(0);

  await frozen.freeze();
  const whileFrozen = await bodies(100);
  frozen.thaw();
  const afterwards = await bodies(200);

  assert.deepEqual(
    whileFrozen,
    whileFrozen.map((_body, index) => `good /${100 + index}`),
  );
  for (const [index, body] of afterwards.entries())
    assert.match(body, new RegExp(`^(good|late) /${200 + index}$`));
  assert.ok((await sidecar.metric('retries_total', { reason: 'attempt_timeout' })) >= 1);
});

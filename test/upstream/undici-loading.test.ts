import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Starts a sidecar in a process of its own, waits until it has loaded what it will, and says whether undici is there. */
const script = `
  import { createRequire } from 'node:module';
  const [transport] = process.argv.slice(-1);
  const { parseSettings } = await import('./src/config/parse-settings.ts');
  const { startApp } = await import('./src/runtime/app.ts');
  const config = {
    admin: { address: '127.0.0.1:0' },
    egress: { address: '127.0.0.1:0' },
    upstreams: { u: { endpoints: ['127.0.0.1:1'], transport } },
  };
  const app = await startApp(parseSettings(JSON.stringify(config), 'x.json', {}).settings, { logLine() {} });
  const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('/undici/'));
  // A request makes its upstream's transport do all that it ever does.
  const { connect } = await import('node:net');
  const answer = await new Promise((resolve) => {
    const socket = connect(app.egress.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\\r\\nHost: u\\r\\n\\r\\n'));
    socket.once('data', (bytes) => resolve(String(bytes).slice(9, 12)));
  });
  console.log(answer, isLoaded());
  process.exit();
`;

for (const [transport, isLoaded] of [
  ['native', false],
  ['undici', true],
] as const) {
  test(`undici is ${isLoaded ? '' : 'not '}loaded for an upstream with transport ${transport}`, async () => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, '--', transport], {
      cwd,
    });

    // Nobody listens on port 1.
    assert.equal(stdout.trim(), `502 ${isLoaded}`);
  });
}

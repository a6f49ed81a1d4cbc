import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { startApp } from '../../src/runtime/app.ts';
import { StartError } from '../../src/runtime/start-error.ts';
import type { Owner } from '../rig/owner.ts';

const listening = async (owner: Owner): Promise<{ server: Server; port: number }> => {
  const server = createServer();
  owner.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
};

/** A port that was free a moment ago. */
const freePort = async (owner: Owner): Promise<number> => {
  const { server, port } = await listening(owner);
  server.close();
  await once(server, 'close');
  return port;
};

const isRefused = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1');
  const [error] = (await once(socket, 'error').catch((reason: unknown) => [reason])) as [{ code: string }];
  return error.code === 'ECONNREFUSED';
};

const start = (config: object) => {
  const parsed = parseSettings(JSON.stringify(config), 'test.json', {});
  assert.ok(parsed.ok);
  return startApp(parsed.settings, { logLine: () => {} });
};

for (const [what, taken] of [
  ['an upstream’s own port', 'listen'],
  ['the admin port', 'admin'],
] as const) {
  test(`when ${what} is taken nothing is left open, and the error says what to do`, async (t) => {
    const { port } = await listening(t);
    const egress = await freePort(t);
    const address = `127.0.0.1:${port}`;
    const config = {
      egress: { address: `127.0.0.1:${egress}` },
      admin: { address: taken === 'admin' ? address : '127.0.0.1:0' },
      upstreams: {
        u: { endpoints: ['127.0.0.1:1'], listen: taken === 'listen' ? address : '127.0.0.1:0' },
        v: { dns: 'nowhere.test:80' },
      },
    };

    await assert.rejects(
      start(config),
      (error) => error instanceof StartError && error.message.includes(address),
    );

    assert.ok(await isRefused(egress), 'the egress port is closed again');
  });
}

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { startApp } from '../../src/runtime/app.ts';

const token = 'a-token-that-nobody-may-see';
const key = 'a-key-that-nobody-may-see';

const text = `
admin: { address: 127.0.0.1:0, token: "\${TOKEN}" }
egress: { address: 127.0.0.1:0 }
log: { level: silent, access: off }
upstreams:
  reviews:
    endpoints: [127.0.0.1:9]
    fallback: { on: [timeout], headers: { x-key: "\${KEY}" }, body: "\${KEY}" }
`;

/** The first event of a stream, or a whole page. */
const read = (port: number, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    const request = get({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
        if (!/^data: .*\n\n/m.test(body)) return;
        resolve(body);
        request.destroy();
      });
      response.on('end', () => resolve(body));
    });
    request.on('error', reject);
  });

test('no page and no stream of the admin interface shows the token or what a fallback takes from the environment', async (context) => {
  const parsed = parseSettings(text, 'outrigger.yaml', { TOKEN: token, KEY: key });
  assert.ok(parsed.ok);
  const app = await startApp(parsed.settings, { logLine: () => {} });
  context.after(() => app.close());

  for (const [path, holds] of [
    ['/', '<title>Outrigger'],
    ['/events', '"name":"reviews"'],
    ['/breakers', '"reviews"'],
    ['/breakers/reviews', '<redacted>'],
    ['/upstreams', '"reviews"'],
    ['/config', '<redacted>'],
    ['/metrics', 'outrigger_'],
    ['/hystrix.stream', '"reviews"'],
    ['/hystrix/config.stream', '"reviews"'],
    ['/hystrix/utilization.stream', '"reviews"'],
    ['/session', 'authorization'],
  ] as const) {
    const body = await read(app.admin.port, path);
    assert.ok(body.includes(holds), `${path}: ${body.slice(0, 200)}`);
    assert.ok(!body.includes('nobody-may-see'), path);
  }
});

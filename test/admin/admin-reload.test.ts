import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { postAdmin } from '../rig/admin-post.ts';
import { subscribe } from '../rig/event-subscriber.ts';
import { fetchText } from '../rig/metrics.ts';
import type { RigAddress } from '../rig/owner.ts';
import { type ConfigText, startSidecar } from '../rig/sidecar.ts';
import { freePort } from '../rig/sidecar-process.ts';
import { adminSettings, ask, startAdmin } from './admin-fixture.ts';

const openStream = async (t: TestContext, address: RigAddress, headers = {}): Promise<IncomingMessage> => {
  const request = get({ ...address, path: '/events', headers });
  t.after(() => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  response.on('error', () => {});
  return response;
};

test('POST /reload answers with what changed, or with all that is wrong', async (t) => {
  const sidecar = await startSidecar(t, {});
  sidecar.nextConfig = { upstreams: { reviews: {} } };
  const good = await postAdmin(sidecar.admin, '/reload');
  sidecar.nextConfig = { upstreams: { reviews: { bulkhed: {}, listn: '' } } };
  const bad = await postAdmin(sidecar.admin, '/reload');

  assert.equal(good.status, 200);
  assert.deepEqual(JSON.parse(good.text), { result: 'succeeded', why: 'upstreams added: reviews' });
  assert.equal(bad.status, 422);
  assert.equal(JSON.parse(bad.text).problems.length, 2);
  assert.equal((await fetchText(sidecar.admin, '/reload')).status, 405);
});

test('the answer to who asked for it comes, though the admin interface moves', async (t) => {
  const sidecar = await startSidecar(t, {});
  const before = sidecar.admin;
  const address = `127.0.0.1:${await freePort()}`;
  sidecar.nextConfig = { admin: { address } };

  const { status, text } = await postAdmin(before, '/reload');

  assert.equal(status, 200);
  assert.match(text, /admin changed/);
  assert.equal(`127.0.0.1:${sidecar.admin.port}`, address);
  assert.equal((await fetchText(sidecar.admin, '/readyz')).status, 200);
  await assert.rejects(fetchText(before, '/readyz'), { code: 'ECONNREFUSED' });
});

test('a listener for probes comes and goes', async (t) => {
  const admin = { address: '127.0.0.1:0' };
  const probes = { host: '127.0.0.1', port: await freePort() };
  const sidecar = await startSidecar(t, { admin });

  await sidecar.reload({ admin: { ...admin, probes: `127.0.0.1:${probes.port}` } });
  assert.equal((await fetchText(probes, '/readyz')).status, 200);
  await sidecar.reload({ admin });

  await assert.rejects(fetchText(probes, '/readyz'), { code: 'ECONNREFUSED' });
});

test('another token ends the streams that the old one opened, and lets nobody in by it', async (t) => {
  const config = (token: string): ConfigText => ({ admin: { address: '127.0.0.1:0', token } });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const sidecar = await startSidecar(t, config('first-token'));
  const stream = await openStream(t, sidecar.admin, bearer('first-token'));
  assert.equal(stream.statusCode, 200);
  const ended = once(stream, 'end');

  await sidecar.reload(config('second-token'));

  await ended;
  assert.equal((await openStream(t, sidecar.admin, bearer('first-token'))).statusCode, 401);
  assert.equal((await openStream(t, sidecar.admin, bearer('second-token'))).statusCode, 200);
});

test('streams go on over a reload that does not change who may read them, and tell of it', async (t) => {
  const sidecar = await startSidecar(t, { upstreams: { going: {}, staying: {} } });
  const reader = subscribe(t, sidecar.admin.port);
  await reader.snapshot();
  const hears = (isIt: (name: string, data: string) => boolean): Promise<unknown> =>
    reader.changed.until(() => reader.events.find(({ name, data }) => isIt(name, data)) ?? null);

  await sidecar.reload({ upstreams: { staying: {}, coming: {} } });

  await hears((name, data) => name === 'reload' && data.includes('succeeded'));
  await hears((name, data) => {
    if (name !== 'tick') return false;
    const { commands, removed, removedUpstreams } = JSON.parse(data);
    const names = commands.map((command: { name: string }) => command.name);
    return names.includes('coming') && removed.includes('going') && removedUpstreams.includes('going');
  });
  await sidecar.tryReload({ upstreams: { staying: {}, coming: { nonsense: 1 } } });
  await hears((name, data) => name === 'reload' && data.includes('nonsense'));
});

test('a lower bound on streams holds for the next one', async (t) => {
  const config = (all: number): ConfigText => ({
    admin: { address: '127.0.0.1:0', maxStreams: { hystrix: 1, all } },
  });
  const sidecar = await startSidecar(t, config(2));
  await openStream(t, sidecar.admin);

  await sidecar.reload(config(1));

  assert.equal((await openStream(t, sidecar.admin)).statusCode, 503);
});

test('an address that others can reach is not taken without a token, and the old one stays', async (t) => {
  const sidecar = await startSidecar(t, {});
  const report = await sidecar.tryReload({ admin: { address: '0.0.0.0:0' } });
  assert.equal(report.result, 'failed');
  assert.match(report.why, /admin\.token/);
  assert.equal((await fetchText(sidecar.admin, '/readyz')).status, 200);
});

test('the probes cannot move to where the admin interface is until then, and nobody is told of another process', async (t) => {
  const [admin, other] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const sidecar = await startSidecar(t, { admin: { address: admin } });

  const report = await sidecar.tryReload({ admin: { address: other, probes: admin } });

  assert.equal(report.result, 'failed');
  assert.equal(report.why, `admin address ${admin} is in use: choose another one with admin.probes`);
  assert.equal((await fetchText(sidecar.admin, '/readyz')).status, 200);
});

test('an address that is open but not in force yet lets nobody in by the settings that are', async (t) => {
  const { server, tcpPort } = await startAdmin(t);
  const address = { host: '127.0.0.1', port: await freePort() };

  const prepared = await server.prepare({ ...adminSettings, address, token: 'a-token' });
  const early = await ask(address.port, { path: '/config' });
  prepared.commit();

  assert.equal(early.status, 503);
  assert.equal((await ask(address.port, { path: '/config' })).status, 401);
  await assert.rejects(ask(tcpPort, { path: '/config' }), { code: 'ECONNREFUSED' });
});

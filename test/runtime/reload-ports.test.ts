import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { type ConfigText, type Sidecar, startSidecar } from '../rig/sidecar.ts';
import { freePort } from '../rig/sidecar-process.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';

const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`;

const parsed = (address: string): RigAddress => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) });

/** What comes of a request to this address on a connection of its own: a status, or the code of the system. */
const callAt = async (owner: Owner, address: string): Promise<number | string> =>
  statusOrCode(await makeCaller(owner, parsed(address)).call());

/** An upstream that answers with its name. */
const named = (owner: Owner, name: string) =>
  startHttpUpstream(owner, (_call, response) => response.end(name));

const bodyAt = async (owner: Owner, address: string): Promise<string> => {
  const result = await makeCaller(owner, parsed(address)).call();
  return result.kind === 'answer' ? result.body.toString() : result.code;
};

test('a port that moves: the new one serves, the old one is closed, and what began there ends there', async (t) => {
  const upstream = await startRawUpstream(t);
  const [before, after] = [await freeAddress(), await freeAddress()];
  const config = (listen: string): ConfigText => ({
    upstreams: { u: { hosts: ['u.test'], listen, endpoints: [upstream.address] } },
  });
  const sidecar = await startSidecar(t, config(before));
  const client = await connectRaw(t, parsed(before));
  client.send(get);
  const exchange = await upstream.exchange(0);

  await sidecar.reload(config(after));

  assert.equal(await callAt(t, before), 'ECONNREFUSED');
  exchange.write(ok('done'));
  const answer = await client.response();
  assert.equal(statusOf(answer), 200);
  assert.equal(fieldOf(answer, 'connection'), 'close');
  assert.equal(await client.closed(), 'end');
  const served = exchangeRaw(t, parsed(after), get);
  (await upstream.exchange(1)).write(ok('new'));
  assert.equal(statusOf(await served), 200);
});

test('two upstreams change places', async (t) => {
  const [a, b] = [await named(t, 'a'), await named(t, 'b')];
  const [one, two] = [await freeAddress(), await freeAddress()];
  const config = (first: string, second: string): ConfigText => ({
    upstreams: {
      a: { listen: first, endpoints: [a.address] },
      b: { listen: second, endpoints: [b.address] },
    },
  });
  const sidecar = await startSidecar(t, config(one, two));
  assert.deepEqual([await bodyAt(t, one), await bodyAt(t, two)], ['a', 'b']);

  await sidecar.reload(config(two, one));

  assert.deepEqual([await bodyAt(t, one), await bodyAt(t, two)], ['b', 'a']);
});

test('the egress port moves to where an upstream was', async (t) => {
  const a = await named(t, 'a');
  const [one, two] = [await freeAddress(), await freeAddress()];
  const upstream = { hosts: ['u.test'], endpoints: [a.address] };
  const sidecar = await startSidecar(t, {
    egress: { address: one },
    upstreams: { a: { ...upstream, listen: two } },
  });

  await sidecar.reload({ egress: { address: two }, upstreams: { a: upstream } });

  assert.deepEqual(sidecar.app.egress, parsed(two));
  assert.equal(await bodyAt(t, two), 'a');
  assert.equal(await callAt(t, one), 'ECONNREFUSED');
});

test('a port of HTTP becomes one of TCP', async (t) => {
  const [web, bytes] = [await named(t, 'web'), await startByteServer(t)];
  bytes.onPeer = (peer) => peer.say('hello');
  const listen = await freeAddress();
  const config = (keys: ConfigText): ConfigText => ({ upstreams: { u: { listen, ...keys } } });
  const sidecar = await startSidecar(t, config({ endpoints: [web.address] }));
  assert.equal(await bodyAt(t, listen), 'web');

  await sidecar.reload(config({ protocol: 'tcp', endpoints: [bytes.address] }));

  const client = await connectBytes(t, parsed(listen));
  await client.hears('hello');
});

test('a request that was half there when its port became one of TCP is refused, and goes to nobody', async (t) => {
  const [web, bytes] = [await named(t, 'web'), await startByteServer(t)];
  let connections = 0;
  bytes.onPeer = () => {
    connections += 1;
  };
  const listen = await freeAddress();
  const config = (keys: ConfigText): ConfigText => ({ upstreams: { u: { listen, ...keys } } });
  const sidecar = await startSidecar(t, config({ endpoints: [web.address] }));
  const client = await connectRaw(t, parsed(listen));
  client.send(get + get.slice(0, 20));
  assert.equal(statusOf(await client.response()), 200);

  await sidecar.reload(config({ protocol: 'tcp', endpoints: [bytes.address] }));
  client.send(get.slice(20));

  const answer = await client.response();
  assert.equal(statusOf(answer), 400);
  assert.equal(fieldOf(answer, 'connection'), 'close');
  assert.equal(connections, 0);
});

test('a tunnel goes on over the removal of its upstream', async (t) => {
  const server = await startByteServer(t);
  server.onPeer = (peer) => peer.socket.on('data', (bytes: Buffer) => peer.say(bytes));
  const listen = await freeAddress();
  const sidecar = await startSidecar(t, {
    upstreams: { u: { protocol: 'tcp', listen, endpoints: [server.address] } },
  });
  const client = await connectBytes(t, parsed(listen));
  client.say('before');
  await client.hears('before');

  await sidecar.reload({});

  client.say('after');
  await client.hears('beforeafter');
  assert.equal(await callAt(t, listen), 'ECONNREFUSED');
});

test('a connection that was kept to the port of a removed upstream is told so, and closed', async (t) => {
  const upstream = await startRawUpstream(t);
  const listen = await freeAddress();
  const sidecar = await startSidecar(t, {
    upstreams: { u: { listen, endpoints: [upstream.address] } },
  });
  const client = await connectRaw(t, parsed(listen));
  client.send(get);
  const exchange = await upstream.exchange(0);

  await sidecar.reload({});
  client.send(get);
  exchange.write(ok('done'));

  assert.equal(statusOf(await client.response()), 200);
  assert.equal(await client.closed(), 'end');
});

/** Everything that a failed reload must leave as it was. */
const stateOf = async (sidecar: Sidecar) => ({
  egress: sidecar.app.egress,
  admin: sidecar.app.admin,
  own: [...sidecar.app.listeners],
  upstreams: (await sidecar.metrics()).sum('upstream_endpoints'),
});

test('where one port cannot be had none of the new configuration is in force', async (t) => {
  const taken = await named(t, 'somebody else');
  const [a, free] = [await named(t, 'a'), await freeAddress()];
  const upstream = { hosts: ['u.test'], endpoints: [a.address] };
  const sidecar = await startSidecar(t, { upstreams: { a: upstream } });
  const before = await stateOf(sidecar);

  const report = await sidecar.tryReload({
    upstreams: {
      a: { ...upstream, listen: free },
      b: { listen: taken.address, endpoints: [a.address] },
    },
  });

  assert.equal(report.result, 'failed');
  assert.match(report.why, /^127\.0\.0\.1:\d+ is in use: choose another address with upstreams\.b\.listen$/);
  assert.deepEqual(await stateOf(sidecar), before);
  assert.equal(await callAt(t, free), 'ECONNREFUSED');
  assert.equal(statusOrCode(await makeCaller(t, sidecar.egress).call()), 200);
});

test('an address that overlaps with the old one is refused, and says with which', async (t) => {
  const port = await freePort();
  const sidecar = await startSidecar(t, { egress: { address: `127.0.0.1:${port}` } });

  const { result, why } = await sidecar.tryReload({ egress: { address: `0.0.0.0:${port}` } });

  assert.equal(result, 'failed');
  assert.equal(
    why,
    `0.0.0.0:${port} overlaps with 127.0.0.1:${port}, which is still open: move it over another port, or restart`,
  );
});

test('a port that others can reach is warned of when a reload opens it', async (t) => {
  const sidecar = await startSidecar(t, {});

  await sidecar.reload({ egress: { address: `0.0.0.0:${await freePort()}` } });
  await sidecar.reload({ egress: { address: '127.0.0.1:0' } });

  assert.equal(sidecar.logged('listener.open_to_others').length, 1);
});

test('connections of a port that was given up count until they are closed', async (t) => {
  const server = await startByteServer(t);
  const listen = await freeAddress();
  const sidecar = await startSidecar(t, {
    drain: { idleExit: '0s' },
    upstreams: { u: { protocol: 'tcp', listen, endpoints: [server.address] } },
  });
  const client = await connectBytes(t, parsed(listen));
  const peer = await server.peer();
  await sidecar.reload({ drain: { idleExit: '0s' } });

  const drained = sidecar.app.drain();
  let isOver = false;
  void drained.then(() => {
    isOver = true;
  });
  await eventually('it drains', () => sidecar.logged('process.draining').length === 1);
  peer.say('still here');
  await client.hears('still here');

  assert.equal(isOver, false);
  client.end();
  peer.end();
  await drained;
});

test('a reload that is opening its ports when the process begins to drain changes nothing', async (t) => {
  const upstream = await named(t, 'u');
  const listen = await freeAddress();
  const drain = { idleExit: '200ms' };
  const sidecar = await startSidecar(t, { drain });
  const reload = sidecar.tryReload({ drain, upstreams: { u: { listen, endpoints: [upstream.address] } } });
  // It has been read by now, and waits for its port.
  await Promise.resolve();

  const drained = sidecar.app.drain();

  const { result, why } = await reload;
  assert.deepEqual({ result, why }, { result: 'failed', why: 'the process is ending' });
  assert.equal(await callAt(t, listen), 'ECONNREFUSED');
  await drained;
});

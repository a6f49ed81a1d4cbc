import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { fetchText } from '../rig/metrics.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { type Barrier, bar, isInOwnNetwork, runInOwnNetwork, withoutOwnNetwork } from '../rig/own-network.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { type ConfigText, type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const drop: Barrier = ['DROP'];
const reject = (how: string): Barrier => ['REJECT', '--reject-with', how];

/** Whether the endpoint has failed and been left out since: the state itself may be over by the time that it is asked for. */
const wasPassedOver = async ({ admin }: Sidecar, address: string): Promise<boolean> => {
  const { upstreams } = JSON.parse((await fetchText(admin, '/upstreams')).text) as {
    upstreams: { endpoints: { address: string; consecutiveFailures: number }[] }[];
  };
  const endpoints = upstreams.flatMap((upstream) => upstream.endpoints);
  return endpoints.some((one) => one.address === address && one.consecutiveFailures > 0);
};

/** Two upstreams behind one sidecar, the way to the first of which can be barred. */
const startTwo = async (t: TestContext, more: ConfigText = {}) => {
  const [barred, open] = [await startHttpUpstream(t), await startHttpUpstream(t)];
  const config = upstreamU([barred.address, open.address], { timeout: { connect: '200ms' }, ...more });
  const sidecar = await startSidecar(t, config);
  return { barred, open, sidecar, caller: makeCaller(t, sidecar.egress) };
};

const refusals = [
  ['a reset', reject('tcp-reset'), 'connection_refused', 'connect_refused', 'ECONNREFUSED'],
  [
    'host unreachable',
    reject('icmp-host-unreachable'),
    'destination_ip_unroutable',
    'connect_failed',
    'EHOSTUNREACH',
  ],
  [
    'net unreachable',
    reject('icmp-net-unreachable'),
    'destination_ip_unroutable',
    'connect_failed',
    'ENETUNREACH',
  ],
] as const;

const tests = (): void => {
  for (const [what, barrier, type, reason, code] of refusals) {
    test(`where the only endpoint answers with ${what}, the client is told`, async (t) => {
      const upstream = await startHttpUpstream(t);
      const sidecar = await startSidecar(t, upstreamU([upstream.address], { retry: { attempts: 1 } }));
      bar(t, upstream.port, barrier);

      const response = await exchangeRaw(t, sidecar.egress, get);

      assertOwnAnswer(response, { status: 502, type, reason });
      assert.equal((await sidecar.accessLineAt(0))['detail'], code);
    });

    test(`an endpoint that answers with ${what} costs nobody an error, and is passed over`, async (t) => {
      const { barred, sidecar, caller } = await startTwo(t);
      bar(t, barred.port, barrier);

      const results = await closedLoop(100, 4, () => caller.call({ method: 'POST', body: 'abc' }));

      assert.deepEqual(tallyOf(results), { 200: 100 });
      assert.ok((await sidecar.metric('retries_total', { reason })) >= 1);
      assert.ok((await sidecar.metric('retries_total', { reason })) <= 12);
      assert.ok(await wasPassedOver(sidecar, `127.0.0.1:${barred.port}`));
    });
  }

  test('where packets to the only endpoint vanish, the client is told after the connect timeout', async (t) => {
    const upstream = await startHttpUpstream(t);
    const sidecar = await startSidecar(
      t,
      upstreamU([upstream.address], { timeout: { connect: '100ms' }, retry: { attempts: 1 } }),
    );
    bar(t, upstream.port, drop);

    const response = await exchangeRaw(t, sidecar.egress, get);

    assertOwnAnswer(response, { status: 504, type: 'connection_timeout', reason: 'connect_timeout' });
  });

  test('an endpoint to which packets vanish costs a few calls the connect timeout, and no call an error', async (t) => {
    const { barred, open, sidecar, caller } = await startTwo(t);
    bar(t, barred.port, drop);

    const results = await closedLoop(400, 4, () => caller.call({ method: 'POST', body: 'abc' }));

    assert.deepEqual(tallyOf(results), { 200: 400 });
    assert.equal(open.begun, 400);
    const late = await sidecar.metric('retries_total', { reason: 'connect_timeout' });
    // So 99 of 100 are as fast as ever: at most the four under way wait for it, and one trial after each time of rest.
    assert.ok(late >= 1 && late <= 12, `${late} of 400 calls waited`);
  });

  test('where packets begin to vanish on kept connections, an attempt times out and the call goes elsewhere', async (t) => {
    const { barred, sidecar, caller } = await startTwo(t, {
      timeout: { attempt: '200ms', connect: '100ms' },
      retry: { on: ['timeout', 'connect-failure'] },
    });
    await closedLoop(40, 4, () => caller.call());
    assert.ok(barred.begun > 0);
    bar(t, barred.port, drop);

    const results = await closedLoop(40, 4, () => caller.call());

    assert.deepEqual(tallyOf(results), { 200: 40 });
    assert.ok((await sidecar.metric('retries_total', { reason: 'attempt_timeout' })) >= 1);
  });

  test('an endpoint to which the way is open again takes its share again', async (t) => {
    const { barred, caller } = await startTwo(t);
    const unbar = bar(t, barred.port, drop);
    await closedLoop(20, 4, () => caller.call());
    const before = barred.begun;
    unbar();

    let results = [];
    do results = await closedLoop(20, 4, () => caller.call());
    while (barred.begun < before + 10);

    assert.deepEqual(tallyOf(results), { 200: 20 });
  });

  for (const [what, barrier] of [
    ['vanish', drop],
    ['are refused', reject('icmp-host-unreachable')],
  ] as const) {
    test(`a TCP connection and a tunnel go elsewhere where packets to an endpoint ${what}`, async (t) => {
      const [barred, open] = [
        await startByteServer(t),
        await startByteServer(t, (peer) => peer.say('hello')),
      ];
      const endpoints = [barred.address, open.address];
      const timeout = { connect: '200ms' };
      const sidecar = await startSidecar(t, {
        upstreams: {
          db: { protocol: 'tcp', listen: '127.0.0.1:0', hosts: ['db.test'], endpoints, timeout },
        },
      });
      bar(t, barred.port, barrier);

      for (let i = 0; i < 4; i += 1) {
        await (await connectBytes(t, sidecar.listener('db'))).hears('hello');
        const tunnel = await connectBytes(t, sidecar.egress);
        tunnel.say('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n');
        await tunnel.hears('hello');
      }

      assert.equal(barred.peers.length, 0);
      assert.ok((await sidecar.metric('retries_total', { upstream: 'db' })) >= 1);
    });
  }
};

if (isInOwnNetwork) tests();
else {
  test('endpoints that cannot be reached, in a network of their own', {
    skip: withoutOwnNetwork(),
  }, async () => {
    const { exitCode, output } = await runInOwnNetwork(import.meta.filename);
    assert.equal(exitCode, 0, output);
  });
}

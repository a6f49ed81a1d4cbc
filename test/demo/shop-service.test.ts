import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Behaviour, ShopService, wellBehaved } from '../../src/demo/shop-service.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import type { Owner } from '../rig/owner.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** A service on a clock that stands still, and a way to call it. `chance`: what comes of every throw of the dice. */
const startService = async (owner: Owner, usual: Partial<Behaviour>, chance = 0) => {
  const clock = new VirtualClock();
  const service = new ShopService({
    usual: { ...wellBehaved, ...usual },
    body: 'well',
    clock,
    random: () => chance,
  });
  owner.after(() => service.close());
  await service.listen();
  const [host = '', port] = service.address.split(':');
  const caller = makeCaller(owner, { host, port: Number(port) });
  const arrived = (count: number) =>
    eventually(`${count} requests wait for their answers`, () => clock.pendingTimers === count);
  return { clock, service, caller, arrived };
};

test('an answer takes at least 0.6 of the average', async (t) => {
  const { clock, caller, arrived } = await startService(t, { delayMs: 1000 });
  const call = caller.call();
  await arrived(1);

  clock.advance(599);
  assert.equal(clock.pendingTimers, 1);
  clock.advance(2);

  assert.equal(statusOrCode(await call), 200);
});

test('so many percent of the answers are a 503', async (t) => {
  for (const [chance, status] of [
    [0.19, 503],
    [0.2, 200],
  ] as const) {
    const { clock, caller, arrived } = await startService(t, { failPercent: 20 }, chance);
    const call = caller.call();
    await arrived(1);
    clock.advance(1000);
    assert.equal(statusOrCode(await call), status);
  }
});

test('who needs the worker waits for those who came before', async (t) => {
  const { clock, caller, arrived } = await startService(t, { delayMs: 0, workerMs: 40 });
  const calls = [caller.call(), caller.call()];
  await arrived(2);

  clock.advance(40);
  assert.equal(clock.pendingTimers, 1);
  clock.advance(40);

  assert.deepEqual((await Promise.all(calls)).map(statusOrCode), [200, 200]);
});

test('a dead service breaks off what is under way and resets who comes, and can come back', async (t) => {
  const { clock, service, caller, arrived } = await startService(t, {});
  const underWay = caller.call();
  await arrived(1);

  service.misbehave({ isDead: true });
  const results = [await underWay, await caller.call()];
  service.misbehave({});
  const later = caller.call();
  await arrived(1);
  clock.advance(1000);

  assert.deepEqual(results.map(statusOrCode), ['ECONNRESET', 'ECONNRESET']);
  assert.equal(statusOrCode(await later), 200);
});

test('a service that was closed holds no timer', async (t) => {
  const { clock, service, caller, arrived } = await startService(t, {});
  const call = caller.call();
  await arrived(1);

  await service.close();
  await call;

  await arrived(0);
  assert.equal(clock.pendingTimers, 0);
});

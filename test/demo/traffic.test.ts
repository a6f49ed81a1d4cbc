import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, Traffic } from '../../src/demo/traffic.ts';
import { eventually } from '../rig/eventually.ts';
import { type Answer, startHttpUpstream } from '../rig/http-upstream.ts';
import type { Owner } from '../rig/owner.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** Ten times a second, at even intervals with the `random` below: 100 · -ln(1 - x) ms. */
const call: Call = { command: 'u.r', host: 'u', method: 'GET', path: (id) => `/items/${id}`, perSecond: 10 };
const evenly = (): number => 1 - 1 / Math.E;

const startTraffic = async (owner: Owner, answer: Answer) => {
  const clock = new VirtualClock();
  const upstream = await startHttpUpstream(owner, answer);
  const traffic = new Traffic({ calls: [call], clock, random: evenly });
  owner.after(() => traffic.stop());
  traffic.start({ host: '127.0.0.1', port: upstream.port });
  return { clock, upstream, traffic };
};

/** Adds up until so many calls have ended. */
const tallyOf = async (traffic: Traffic, count: number) => {
  let made = 0;
  let good = 0;
  await eventually(`${count} calls have ended`, () => {
    const tally = traffic.takeTally('u.r');
    made += tally.made;
    good += tally.good;
    return made >= count;
  });
  return { made, good };
};

test('calls go out at their rate, whether or not those before were answered, and name their host', async (t) => {
  const { clock, upstream } = await startTraffic(t, () => {});

  clock.advance(1001);
  await upstream.changed.until(() => (upstream.calls.length >= 10 ? true : null));

  assert.equal(upstream.begun, 10);
  assert.equal(upstream.inFlight, 10);
  assert.equal(upstream.calls[0]?.headers['host'], 'u');
  assert.match(upstream.calls[0]?.path ?? '', /^\/items\/\d+$/);
});

test('another rate holds until the usual one is back', async (t) => {
  const { clock, upstream, traffic } = await startTraffic(t, (_call, response) => response.end());

  traffic.setRate('u.r', 100);
  clock.advance(101);
  traffic.setRate('u.r', null);
  clock.advance(1000);
  const { made } = await tallyOf(traffic, 11);

  // The first was due before the rate was changed; then one after 10 ms, which was chosen at the higher rate.
  assert.equal(made, 11);
  assert.equal(upstream.begun, 11);
});

test('a loop that was late makes up for the calls that were due', async (t) => {
  const { clock, upstream } = await startTraffic(t, (_call, response) => response.end());

  clock.block(501);
  await upstream.hasBegun(5);

  assert.equal(upstream.begun, 5);
});

test('only a 2xx that came whole is a call that went well', async (t) => {
  const answers: Answer[] = [
    (_call, response) => response.end('whole'),
    (_call, response) => response.writeHead(503).end(),
    (_call, response) => response.destroy(),
    (_call, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => response.destroy());
    },
  ];
  const { clock, traffic } = await startTraffic(t, (...args) => answers.shift()!(...args));

  clock.advance(401);

  assert.deepEqual(await tallyOf(traffic, 4), { made: 4, good: 1 });
});

test('traffic that was stopped calls nobody and leaves no timer', async (t) => {
  const { clock, upstream, traffic } = await startTraffic(t, (_call, response) => response.end());
  clock.advance(101);
  await tallyOf(traffic, 1);

  traffic.stop();
  clock.advance(1000);

  assert.equal(clock.pendingTimers, 0);
  assert.equal(upstream.begun, 1);
});

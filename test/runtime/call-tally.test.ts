import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, type Outcome, rejected, success } from '../../src/policy/outcome.ts';
import { CallTally } from '../../src/runtime/call-tally.ts';
import type { BreakerStateName, ExchangeEnded } from '../../src/telemetry/events.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const plain: ExchangeEnded = {
  upstream: 'reviews',
  route: '',
  isUnlisted: false,
  protocol: 'http',
  method: 'GET',
  host: 'reviews',
  path: '/',
  outcome: success(200),
  reason: null,
  status: 200,
  fallback: 'none',
  attempts: 1,
  retrySkipped: null,
  endpoint: '127.0.0.1:80',
  requestId: '',
  traceparent: '',
  queueMs: 0,
  connectMs: 0,
  firstByteMs: 1,
  totalMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  closeReason: null,
  detail: '',
};

const refused: Outcome = failure('connect_refused', true, 'ECONNREFUSED');

const setUp = () => {
  const clock = new VirtualClock();
  const tally = new CallTally(clock);
  const ended = (part: Partial<ExchangeEnded>): void => tally.exchangeEnded({ ...plain, ...part });
  const turned = (command: string, from: BreakerStateName, to: BreakerStateName): void =>
    tally.breakerTransition({
      command,
      from,
      to,
      why: '',
      forcedBy: null,
      counts: { total: 0, errors: 0, slow: 0 },
      at: 0,
    });
  const open = (): readonly number[] => tally.read().map(({ openMs }) => openMs);
  return { clock, tally, ended, turned, open };
};

test('calls are counted by command and by how they ended', () => {
  const { tally, ended } = setUp();
  ended({});
  ended({ attempts: 3, outcome: refused });
  ended({ attempts: 0, outcome: rejected('circuit_open') });
  ended({ attempts: 2, outcome: refused, fallback: 'served' });
  ended({ route: 'ratings' });
  ended({ upstream: 'localhost:9', isUnlisted: true, outcome: refused });
  ended({ upstream: '', attempts: 0, outcome: rejected('unlisted_destination') });
  const none = { failed: 0, refused: 0, fallback: 0, retries: 0, openMs: 0 };
  assert.deepEqual(tally.read(), [
    { ...none, command: 'localhost:9', calls: 1, failed: 1 },
    { ...none, command: 'reviews', calls: 4, failed: 1, refused: 1, fallback: 1, retries: 3 },
    { ...none, command: 'reviews.ratings', calls: 1 },
    { ...none, command: '(no destination)', calls: 1, refused: 1 },
  ]);
});

test('a breaker is open from its opening to its closing, probes included, and again', () => {
  const { clock, ended, turned, open } = setUp();
  turned('reviews', 'closed', 'open');
  clock.advance(5000);
  turned('reviews', 'open', 'half_open');
  clock.advance(100);
  turned('reviews', 'half_open', 'open');
  clock.advance(5000);
  turned('reviews', 'open', 'half_open');
  turned('reviews', 'half_open', 'closed');
  clock.advance(60_000);
  turned('reviews', 'closed', 'open');
  clock.advance(1000);
  ended({});
  assert.deepEqual(open(), [11_100]);
});

test('a breaker that closes without having been open counts nothing', () => {
  const { clock, ended, turned, open } = setUp();
  turned('reviews', 'half_open', 'closed');
  clock.advance(1000);
  ended({});
  assert.deepEqual(open(), [0]);
});

test('beyond a hundred unlisted destinations the others are counted together, and upstreams still by themselves', () => {
  const { tally, ended } = setUp();
  for (let port = 1; port <= 103; port += 1) ended({ upstream: `one.test:${port}`, isUnlisted: true });
  ended({ upstream: 'one.test:1', isUnlisted: true });
  ended({});
  const read = tally.read();
  assert.equal(read.length, 102);
  assert.deepEqual(
    read.filter(({ calls }) => calls !== 1).map(({ command, calls }) => [command, calls]),
    [
      ['one.test:1', 2],
      ['(other destinations)', 3],
    ],
  );
  assert.equal(read.find(({ command }) => command === 'reviews')?.calls, 1);
});

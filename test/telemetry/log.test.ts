import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogSettings } from '../../src/config/settings.ts';
import { failure, ignoredSuccess, rejected } from '../../src/policy/outcome.ts';
import type { ExchangeEnded } from '../../src/telemetry/events.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { exchangeEnded, transition } from './command-fixture.ts';

const createCapturedLog = (changes: Partial<LogSettings> = {}, random = () => 0.5) => {
  const settings: LogSettings = {
    level: 'info',
    format: 'json',
    access: 'all',
    sampleRatio: 0.01,
    ...changes,
  };
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  const log = createLog({ settings, sink, clock: new VirtualClock(), random });
  return { ...log, lines, fields: () => lines.map((line) => JSON.parse(line)) };
};

const failed = exchangeEnded({
  outcome: failure('connect_refused', true, 'ECONNREFUSED'),
  reason: 'connect_refused',
  status: 502,
  attempts: 3,
  retrySkipped: 'budget',
  firstByteMs: -1,
  totalMs: 51.23456,
  detail: 'ECONNREFUSED',
});

test('lines tell the time to the millisecond, within a second, across seconds and after a jump backwards', () => {
  const lines: string[] = [];
  const times = [0, 1, 59.9, 999, 1000, 61_005, 61_005, 7, -1, 1_800_000_000_123];
  let wallTime = 0;
  const clock = Object.assign(new VirtualClock(), { wallTime: () => wallTime });
  const settings = { level: 'info', format: 'json', access: 'all', sampleRatio: 1 } as const;
  const { listener } = createLog({
    settings,
    sink: { write: (line) => lines.push(line) },
    clock,
    random: () => 0,
  });

  for (const time of times) {
    wallTime = time;
    listener.exchangeEnded?.(failed);
  }

  assert.deepEqual(
    lines.map((line) => JSON.parse(line).time),
    times.map((time) => new Date(Math.floor(time)).toISOString()),
  );
});

test('an access line carries everything that is known of the exchange', () => {
  const { listener, fields } = createCapturedLog();

  listener.exchangeEnded?.(failed);

  assert.deepEqual(fields(), [
    {
      level: 'info',
      time: new Date(1_800_000_001_000).toISOString(),
      event: 'exchange.ended',
      upstream: 'reviews',
      route: '',
      endpoint: '10.1.0.4:9080',
      protocol: 'http',
      method: 'GET',
      host: 'reviews.shop',
      path: '/ratings/7',
      status: 502,
      outcome: 'failure',
      reason: 'connect_refused',
      fallback: false,
      attempts: 3,
      retrySkipped: 'budget',
      queueMs: 0,
      connectMs: 0,
      firstByteMs: -1,
      totalMs: 51.235,
      requestBytes: 0,
      responseBytes: 128,
      closeReason: null,
      requestId: 'r-1',
      traceparent: '',
      detail: 'ECONNREFUSED',
      msg: 'exchange',
    },
  ]);
});

const plain = exchangeEnded();
const ignored = exchangeEnded({ outcome: ignoredSuccess(404), status: 404 });
const fallback = exchangeEnded({
  outcome: rejected('circuit_open'),
  reason: 'circuit_open',
  fallback: 'served',
});

for (const [access, draw, expected] of [
  ['all', 0.5, ['success', 'success', 'failure', 'fallback']],
  ['errors', 0.5, ['failure', 'fallback']],
  ['sampled', 0.5, ['failure', 'fallback']],
  ['sampled', 0.001, ['success', 'success', 'failure', 'fallback']],
  ['off', 0.001, []],
] as const) {
  test(`access ${access} with a draw of ${draw} logs ${expected.join(', ') || 'nothing'}`, () => {
    const { listener, fields } = createCapturedLog({ access }, () => draw);

    for (const ended of [plain, ignored, failed, fallback]) listener.exchangeEnded?.(ended);

    assert.deepEqual(
      fields().map((line) => line.outcome),
      expected,
    );
  });
}

test('an access log that is off costs no call at all', () => {
  assert.equal(createCapturedLog({ access: 'off' }).listener.exchangeEnded, undefined);
});

test('the level does not silence the access log, but silent silences everything', () => {
  const warn = createCapturedLog({ level: 'warn' });
  const silent = createCapturedLog({ level: 'silent' });

  for (const { listener, logger } of [warn, silent]) {
    logger.info('chatter');
    listener.exchangeEnded?.(plain);
  }

  assert.deepEqual(
    warn.fields().map((line) => line.msg),
    ['exchange'],
  );
  assert.deepEqual(silent.lines, []);
});

test('no query and no userinfo gets into a line, even should one be handed over', () => {
  const { listener, lines } = createCapturedLog();

  listener.exchangeEnded?.(exchangeEnded({ host: 'user:hunter2@shop', path: '/pay?card=4111#top' }));

  assert.match(lines.join(''), /"host":"shop","path":"\/pay"/);
});

const hostile = 'a\r\nb\u001b[31mc\u0000\u007f\u009b2J\u2028"\\';
for (const format of ['json', 'pretty'] as const) {
  test(`control characters from a client stay inside one ${format} line`, () => {
    const { listener, lines } = createCapturedLog({ format });
    const ended: ExchangeEnded = exchangeEnded({
      method: hostile,
      host: hostile,
      path: hostile,
      requestId: hostile,
      traceparent: hostile,
      detail: hostile,
    });

    listener.exchangeEnded?.(ended);

    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+\n$/);
    if (format === 'json') assert.equal(JSON.parse(lines[0]!).requestId, hostile);
  });
}

test('a client cannot make a line long', () => {
  const { listener, lines } = createCapturedLog();
  const long = 'x'.repeat(100_000);

  listener.exchangeEnded?.(exchangeEnded({ path: long, host: long, requestId: long, traceparent: long }));

  assert.ok(lines[0]!.length < 10_000);
});

test('a breaker that opens is a warning with its reason and its numbers', () => {
  const { listener, fields } = createCapturedLog();
  const opened = transition({ why: '12 of 20 failed' });

  listener.breakerTransition?.(opened);
  listener.breakerTransition?.({ ...opened, from: 'half_open', to: 'closed' });

  const [open, closed] = fields();
  assert.deepEqual(
    [open.level, open.event, open.command, open.from, open.to, open.why],
    ['warn', 'breaker.transition', 'reviews', 'closed', 'open', '12 of 20 failed'],
  );
  assert.equal(closed.level, 'info');
});

test('a change of the set of endpoints is one line, which names the first five of many', () => {
  const { listener, fields } = createCapturedLog();
  const added = Array.from({ length: 200 }, (_, index) => `10.0.0.${index}:80`);
  const change = { upstream: 'reviews', added, removed: ['10.1.0.1:80'], size: 200, why: 'resolved', at: 0 };

  listener.endpointSetChanged?.(change);
  listener.endpointSetChanged?.({ ...change, added: [], removed: added, size: 0, why: 'no addresses' });

  const [line, empty] = fields();
  assert.deepEqual(
    [line.level, line.event, line.endpoints, line.added, line.removed, line.firstRemoved, line.msg],
    [
      'info',
      'endpoints.replaced',
      200,
      200,
      1,
      ['10.1.0.1:80'],
      'endpoints of reviews: 200, 200 added, 1 removed',
    ],
  );
  assert.deepEqual(line.firstAdded, added.slice(0, 5));
  assert.deepEqual([empty.level, empty.endpoints, empty.removed], ['warn', 0, 200]);
});

test('a name that can no longer be resolved is a warning, and the end of that a line', () => {
  const { listener, fields } = createCapturedLog();
  const change = { upstream: 'reviews', host: 'reviews.test', why: 'SERVFAIL', at: 0 } as const;

  listener.discoveryChanged?.({ ...change, change: 'failing' });
  listener.discoveryChanged?.({ ...change, change: 'recovered' });

  assert.deepEqual(
    fields().map((line) => [line.level, line.event, line.upstream, line.host, line.msg]),
    [
      ['warn', 'dns.failed', 'reviews', 'reviews.test', 'reviews.test of reviews: SERVFAIL'],
      ['info', 'dns.recovered', 'reviews', 'reviews.test', 'reviews.test of reviews: SERVFAIL'],
    ],
  );
});

test('a change of an endpoint is a line, and one that is passed over a warning', () => {
  const { listener, fields } = createCapturedLog();
  const change = { upstream: 'reviews', endpoint: '10.0.0.1:80', why: 'ECONNREFUSED', at: 0 } as const;

  listener.endpointChanged?.({ ...change, change: 'passed_over' });
  listener.endpointChanged?.({ ...change, change: 'available' });

  assert.deepEqual(
    fields().map((line) => [line.level, line.event, line.endpoint, line.change]),
    [
      ['warn', 'endpoint.changed', '10.0.0.1:80', 'passed_over'],
      ['info', 'endpoint.changed', '10.0.0.1:80', 'available'],
    ],
  );
});

test('a pretty line begins with time, level and message and leaves out what is empty', () => {
  const { listener, lines } = createCapturedLog({ format: 'pretty' });

  listener.exchangeEnded?.(failed);

  assert.match(
    lines[0]!,
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}exchange upstream=reviews endpoint=10\.1\.0\.4:9080 /,
  );
  assert.match(
    lines[0]!,
    / status=502 outcome=failure reason=connect_refused attempts=3 retrySkipped=budget /,
  );
  assert.doesNotMatch(lines[0]!, /route=|traceparent=|firstByteMs=/);
});

test('a configuration that is not taken over is an error in the log, one that is is news', () => {
  const { listener, fields } = createCapturedLog();

  listener.configReloaded?.({ result: 'failed', why: 'outrigger.yaml:3:5: unknown key', at: 0 });
  listener.configReloaded?.({ result: 'succeeded', why: '1 upstream changed', at: 0 });

  assert.deepEqual(
    fields().map(({ event, level, result, why }) => [event, level, result, why]),
    [
      ['config.reloaded', 'error', 'failed', 'outrigger.yaml:3:5: unknown key'],
      ['config.reloaded', 'info', 'succeeded', '1 upstream changed'],
    ],
  );
});

test('files for TLS that cannot be used are an error in the log, new ones are news', () => {
  const { listener, fields } = createCapturedLog();

  listener.tlsFilesChanged?.({ upstream: 'pay', result: 'refused', why: '/tls/key: is encrypted', at: 0 });
  listener.tlsFilesChanged?.({ upstream: 'pay', result: 'taken_over', why: '/tls/cert, /tls/key', at: 0 });

  assert.deepEqual(
    fields().map(({ event, level, upstream, result, why }) => [event, level, upstream, result, why]),
    [
      ['tls.files_changed', 'error', 'pay', 'refused', '/tls/key: is encrypted'],
      ['tls.files_changed', 'info', 'pay', 'taken_over', '/tls/cert, /tls/key'],
    ],
  );
});

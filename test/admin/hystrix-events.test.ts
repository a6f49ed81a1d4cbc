import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandEvent as commandText, poolEvent, safeName } from '../../src/admin/hystrix-events.ts';
import type { FallbackUse } from '../../src/policy/fallback.ts';
import {
  clientGone,
  failure,
  ignoredSuccess,
  type Outcome,
  rejected,
  success,
} from '../../src/policy/outcome.ts';
import type { CommandDescription, CommandFigures } from '../../src/telemetry/command-figures.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { defaultPolicy } from '../rig/default-policy.ts';
import { bulkheadView, closedStatus, describeCommand, exchangeEnded } from '../telemetry/command-fixture.ts';

const now = 1_000_000;
const wallTime = 1_800_000_000_000.75;

const open = (description: CommandDescription) => new Commands().open(description);

const figuresOf = (description: CommandDescription) => open(description).figures(now);

/** The event as a reader has it. */
const commandEvent = (figures: CommandFigures, currentTime: number) =>
  JSON.parse(commandText(figures, figures, currentTime));

const commandFields =
  `type name group currentTime isCircuitBreakerOpen errorPercentage errorCount requestCount
rollingCountBadRequests rollingCountCollapsedRequests rollingCountEmit rollingCountExceptionsThrown rollingCountFailure
rollingCountFallbackEmit rollingCountFallbackFailure rollingCountFallbackMissing rollingCountFallbackRejection
rollingCountFallbackSuccess rollingCountResponsesFromCache rollingCountSemaphoreRejected rollingCountShortCircuited
rollingCountSuccess rollingCountThreadPoolRejected rollingCountTimeout currentConcurrentExecutionCount
rollingMaxConcurrentExecutionCount latencyExecute_mean latencyExecute latencyTotal_mean latencyTotal
propertyValue_circuitBreakerRequestVolumeThreshold propertyValue_circuitBreakerSleepWindowInMilliseconds
propertyValue_circuitBreakerErrorThresholdPercentage propertyValue_circuitBreakerForceOpen
propertyValue_circuitBreakerForceClosed propertyValue_circuitBreakerEnabled propertyValue_executionIsolationStrategy
propertyValue_executionIsolationThreadTimeoutInMilliseconds propertyValue_executionTimeoutInMilliseconds
propertyValue_executionIsolationThreadInterruptOnTimeout propertyValue_executionIsolationThreadPoolKeyOverride
propertyValue_executionIsolationSemaphoreMaxConcurrentRequests
propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests
propertyValue_metricsRollingStatisticalWindowInMilliseconds propertyValue_requestCacheEnabled
propertyValue_requestLogEnabled reportingHosts threadPool`.split(/\s+/);

const poolFields = `type name currentTime currentActiveCount currentCompletedTaskCount currentCorePoolSize
currentMaximumPoolSize currentLargestPoolSize currentPoolSize currentQueueSize currentTaskCount
rollingCountThreadsExecuted rollingMaxActiveThreads rollingCountCommandRejections
propertyValue_queueSizeRejectionThreshold propertyValue_metricsRollingStatisticalWindowInMilliseconds
reportingHosts`.split(/\s+/);

const assertIntegers = (value: unknown, path: string): void => {
  if (typeof value === 'number') assert.ok(Number.isSafeInteger(value), `${path} is ${value}`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) assertIntegers(inner, `${path}.${key}`);
};

/** A command with a bit of everything and uneven figures. */
const busyFigures = () => {
  const endless = { ...defaultPolicy.timeout, totalMs: Number.POSITIVE_INFINITY };
  const bulkhead = bulkheadView('reviews', { concurrency: Number.POSITIVE_INFINITY, inFlight: 2 });
  const settings = { ...defaultPolicy, timeout: endless };
  const book = open(describeCommand('reviews', { settings, bulkhead, status: { errorPercent: 33.3 } }));
  for (const ms of [0.4, 12.7, 99.9]) {
    book.attemptStarted(now);
    book.attemptSettled(success(200), ms, now);
    book.exchangeEnded(exchangeEnded({ firstByteMs: ms + 0.3 }), now);
  }
  return book.figures(now);
};

test('a command event has every field of Hystrix and no other', () => {
  assert.deepEqual(Object.keys(commandEvent(busyFigures(), wallTime)).sort(), [...commandFields].sort());
});

test('a pool event has every field of Hystrix and no other', () => {
  assert.deepEqual(Object.keys(poolEvent([busyFigures()], wallTime)).sort(), [...poolFields].sort());
});

test('every number is an integer, also where a limit is infinite', () => {
  const figures = busyFigures();

  assertIntegers(commandEvent(figures, wallTime), 'command');
  assertIntegers(poolEvent([figures], wallTime), 'pool');
  assert.equal(commandEvent(figures, wallTime).propertyValue_executionTimeoutInMilliseconds, 2_147_483_647);
});

test('idle and busy events have the same keys and the same kinds of values', () => {
  const shape = (event: object) => Object.entries(event).map(([key, value]) => `${key}: ${typeof value}`);
  const idle = figuresOf(describeCommand('reviews'));

  assert.deepEqual(shape(commandEvent(idle, wallTime)), shape(commandEvent(busyFigures(), wallTime)));
  assert.deepEqual(Object.keys(commandEvent(idle, wallTime).latencyExecute).sort(), [
    '0',
    '100',
    '25',
    '50',
    '75',
    '90',
    '95',
    '99',
    '99.5',
  ]);
});

test('attempts and refusals stand in the fields that Hystrix has for them', () => {
  const book = open(describeCommand('reviews'));
  for (const outcome of [
    success(200),
    ignoredSuccess(404),
    failure('reset', false),
    failure('attempt_timeout', false),
  ]) {
    book.attemptStarted(now);
    book.attemptSettled(outcome, 5, now);
  }
  book.requestRejected('circuit_open', now);
  book.requestRejected('bulkhead_full', now);

  const event = commandEvent(book.figures(now), wallTime);

  assert.equal(event.rollingCountSuccess, 1);
  assert.equal(event.rollingCountBadRequests, 1);
  assert.equal(event.rollingCountFailure, 1);
  assert.equal(event.rollingCountTimeout, 1);
  assert.equal(event.rollingCountShortCircuited, 1);
  assert.equal(event.rollingCountExceptionsThrown, 1, 'the ignored answer');
  assert.equal(poolEvent([book.figures(now)], wallTime).rollingCountThreadsExecuted, 4);
});

interface FallbackRow {
  readonly what: string;
  readonly outcome: Outcome;
  readonly fallback: FallbackUse;
  /** FALLBACK_SUCCESS, FALLBACK_REJECTION, FALLBACK_MISSING, BAD_REQUEST, and what is derived: EXCEPTION_THROWN. */
  readonly counts: readonly [number, number, number, number, number];
}

const reset = failure('reset', false);
const opened = rejected('circuit_open');

const fallbackRows: readonly FallbackRow[] = [
  { what: 'a success', outcome: success(200), fallback: 'none', counts: [0, 0, 0, 0, 0] },
  { what: 'a failure, answered', outcome: reset, fallback: 'served', counts: [1, 0, 0, 0, 0] },
  { what: 'a failure whose fallback is full', outcome: reset, fallback: 'full', counts: [0, 1, 0, 0, 1] },
  { what: 'a failure without a fallback', outcome: reset, fallback: 'none', counts: [0, 0, 1, 0, 1] },
  { what: 'a short circuit, answered', outcome: opened, fallback: 'served', counts: [1, 0, 0, 0, 0] },
  {
    what: 'a short circuit whose fallback is full',
    outcome: opened,
    fallback: 'full',
    counts: [0, 1, 0, 0, 1],
  },
  { what: 'a short circuit without a fallback', outcome: opened, fallback: 'none', counts: [0, 0, 1, 0, 1] },
  {
    what: 'a failing answer that was passed on, its fallback being full, to a client that then left',
    outcome: clientGone,
    fallback: 'full',
    counts: [0, 1, 0, 0, 1],
  },
  { what: 'a client that left', outcome: clientGone, fallback: 'none', counts: [0, 0, 0, 0, 0] },
  {
    what: 'a request that is wrong in itself',
    outcome: rejected('body_too_large'),
    fallback: 'none',
    counts: [0, 0, 0, 1, 1],
  },
];

for (const { what, outcome, fallback, counts } of fallbackRows) {
  test(`${what}, is counted as Hystrix counts it`, () => {
    const book = open(describeCommand('reviews'));

    if (outcome.kind === 'rejected') book.requestRejected(outcome.reason, now);
    book.exchangeEnded(exchangeEnded({ outcome, fallback }), now);

    const event = commandEvent(book.figures(now), wallTime);
    assert.deepEqual(
      [
        event.rollingCountFallbackSuccess,
        event.rollingCountFallbackRejection,
        event.rollingCountFallbackMissing,
        event.rollingCountBadRequests,
        event.rollingCountExceptionsThrown,
      ],
      counts,
    );
  });
}

for (const [queueLimit, strategy, threadPoolRejected, semaphoreRejected] of [
  [10, 'THREAD', 1, 0],
  [0, 'SEMAPHORE', 0, 1],
] as const) {
  test(`a bulkhead with ${queueLimit} places to wait is a ${strategy} and rejects as one`, () => {
    const book = open(describeCommand('reviews', { bulkhead: bulkheadView('reviews', { queueLimit }) }));
    book.requestRejected('bulkhead_full', now);

    const event = commandEvent(book.figures(now), wallTime);

    assert.equal(event.propertyValue_executionIsolationStrategy, strategy);
    assert.equal(event.rollingCountThreadPoolRejected, threadPoolRejected);
    assert.equal(event.rollingCountSemaphoreRejected, semaphoreRejected);
  });
}

test('the health figures are the breaker’s own', () => {
  const busy = describeCommand('busy', { status: { total: 30, errors: 10, errorPercent: 33, isOpen: true } });

  const event = commandEvent(figuresOf(busy), wallTime);

  assert.deepEqual([event.requestCount, event.errorCount, event.errorPercentage], [30, 10, 33]);
  assert.equal(event.isCircuitBreakerOpen, true);
});

test('force flags are booleans', () => {
  const forced = commandEvent(figuresOf(describeCommand('a', { status: { force: 'open' } })), wallTime);

  assert.equal(forced.propertyValue_circuitBreakerForceOpen, true);
  assert.equal(forced.propertyValue_circuitBreakerForceClosed, false);
});

test('names carry nothing that could break a page', () => {
  const hostile = describeCommand('<b>"x\\y"</b>&[::1]:80', {
    upstream: 'a\nb',
    bulkhead: bulkheadView("p'q"),
  });

  const event = commandEvent(figuresOf(hostile), wallTime);

  assert.match(event.name, /^_b__x_y__\/b___::1_:80_[0-9a-f]{8}$/);
  assert.match(event.group, /^a_b_[0-9a-f]{8}$/);
  assert.match(event.threadPool, /^p_q_[0-9a-f]{8}$/);
});

test('percentiles stand in the order of Hystrix', () => {
  const figures = busyFigures();

  assert.match(
    commandText(figures, figures, wallTime),
    /"latencyExecute":\{"0":0,"25":0,"50":12,"75":99,"90":99,"95":99,"99":99,"99.5":99,"100":99\}/,
  );
});

test('what a reload changes is in the next event', () => {
  const book = open(describeCommand('reviews'));
  const textOf = () => JSON.parse(commandText(book.description, book.figures(now), wallTime));
  const before = textOf();
  const settings = { ...defaultPolicy, breaker: { ...defaultPolicy.breaker, volume: 7, sleepMs: 1234 } };

  book.describe(describeCommand('reviews', { settings, bulkhead: bulkheadView('own', { concurrency: 3 }) }));
  const after = textOf();

  const shown = ({ threadPool, ...event }: Record<string, unknown>) => [
    threadPool,
    event['propertyValue_circuitBreakerRequestVolumeThreshold'],
    event['propertyValue_circuitBreakerSleepWindowInMilliseconds'],
    event['propertyValue_executionIsolationSemaphoreMaxConcurrentRequests'],
  ];
  assert.deepEqual(shown(before), ['reviews', 20, 5000, 256]);
  assert.deepEqual(shown(after), ['own', 7, 1234, 3]);
});

test('limits of a bulkhead that change in place, and a force, are in the next event', () => {
  const bulkhead = { ...bulkheadView('reviews') };
  const status = { ...closedStatus };
  const book = open(
    describeCommand('reviews', { bulkhead, breaker: { visibleState: 'closed', status: () => status } }),
  );
  const textOf = () => JSON.parse(commandText(book.description, book.figures(now), wallTime));
  textOf();

  Object.assign(bulkhead, { concurrency: 9, queueLimit: 0 });
  Object.assign(status, { force: 'closed' });
  const event = textOf();

  assert.equal(event.propertyValue_executionIsolationSemaphoreMaxConcurrentRequests, 9);
  assert.equal(event.propertyValue_executionIsolationStrategy, 'SEMAPHORE');
  assert.equal(event.propertyValue_circuitBreakerForceClosed, true);
});

test('tasks are counted on beyond what a Java int holds', () => {
  const bulkhead = bulkheadView('reviews', { completedTotal: 3_000_000_000, inFlight: 2, queued: 1 });

  const event = poolEvent([figuresOf(describeCommand('reviews', { bulkhead }))], wallTime);

  assert.equal(event.currentCompletedTaskCount, 3_000_000_000);
  assert.equal(event.currentTaskCount, 3_000_000_003);
});

test('hundreds of names that look the same when they are made safe stay apart', () => {
  const names = new Set<string>();
  for (let mask = 0; mask < 2 ** 11; mask += 1) {
    const marks = Array.from({ length: 11 }, (_, bit) => ((mask >> bit) & 1 ? '~' : '_'));
    names.add(safeName(`a${marks.join('b')}:80`));
  }

  assert.equal(names.size, 2 ** 11);
});

test('two names that differ only in what may not be shown stay two', () => {
  const names = ['a!b:80', 'a$b:80', 'a_b:80'].map(
    (name) => commandEvent(figuresOf(describeCommand(name)), wallTime).name,
  );

  assert.equal(new Set(names).size, 3);
  assert.equal(names[2], 'a_b:80');
});

test('a pool adds up the commands that share it', () => {
  const commands = new Commands();
  const shared = bulkheadView('ads', {
    inFlight: 3,
    queued: 2,
    completedTotal: 10,
    maxInFlightEver: 7,
    concurrency: 8,
  });
  const books = ['a', 'b'].map((route) =>
    commands.open(describeCommand(`ads.${route}`, { upstream: 'ads', route, bulkhead: shared })),
  );
  for (const book of books) {
    book.attemptStarted(now);
    book.attemptSettled(success(200), 5, now);
    book.requestRejected('bulkhead_full', now);
  }

  const event = poolEvent(
    books.map((book) => book.figures(now)),
    wallTime,
  );

  assert.equal(event.name, 'ads');
  assert.equal(event.rollingCountThreadsExecuted, 2);
  assert.equal(event.rollingCountCommandRejections, 2);
  assert.equal(event.rollingMaxActiveThreads, 3);
  assert.deepEqual(
    [
      event.currentActiveCount,
      event.currentQueueSize,
      event.currentCompletedTaskCount,
      event.currentTaskCount,
    ],
    [3, 2, 10, 15],
  );
  assert.deepEqual([event.currentCorePoolSize, event.currentLargestPoolSize], [8, 7]);
});

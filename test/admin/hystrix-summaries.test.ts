import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bulkheadView, describeCommand } from '../telemetry/command-fixture.ts';
import { type RunningAdmin, StreamReader, startAdmin } from './admin-fixture.ts';

/** The first event of a stream. */
const firstEvent = async ({ tcpPort }: RunningAdmin, path: string) => {
  const reader = new StreamReader(tcpPort, path);
  await reader.until(({ eventCount }) => eventCount > 0);
  return { reader, event: reader.event(0) as Record<string, unknown> };
};

test('the utilization stream tells in one event how busy every command and every pool is', async (context) => {
  const admin = await startAdmin(context);
  const shared = bulkheadView('ads', { inFlight: 3, queued: 2, concurrency: Number.POSITIVE_INFINITY });
  const [book] = ['a', 'b'].map((route) =>
    admin.port.commands.open(describeCommand(`ads.${route}`, { upstream: 'ads', route, bulkhead: shared })),
  );
  book?.attemptStarted(admin.clock.now());

  const { event } = await firstEvent(admin, '/hystrix/utilization.stream');

  assert.deepEqual(event, {
    type: 'HystrixUtilization',
    commands: { reviews: { activeCount: 0 }, 'ads.a': { activeCount: 1 }, 'ads.b': { activeCount: 0 } },
    threadpools: {
      reviews: { activeCount: 0, queueSize: 0, corePoolSize: 256, poolSize: 256 },
      ads: { activeCount: 3, queueSize: 2, corePoolSize: 2_147_483_647, poolSize: 2_147_483_647 },
    },
  });
});

test('the config stream tells how every command is set, and what is forced as it is', async (context) => {
  const admin = await startAdmin(context);
  admin.port.commands.open(describeCommand('ads', { status: { force: 'closed' } }));

  const { event } = await firstEvent(admin, '/hystrix/config.stream');

  const { commands, threadpools, type, collapsers } = event as {
    commands: Record<string, Record<string, unknown>>;
    threadpools: Record<string, unknown>;
    type: string;
    collapsers: unknown;
  };
  assert.deepEqual([type, collapsers], ['HystrixConfig', {}]);
  assert.deepEqual(commands['ads']?.['circuitBreaker'], {
    enabled: true,
    isForcedOpen: false,
    isForcedClosed: true,
    requestVolumeThreshold: 20,
    errorPercentageThreshold: 50,
    sleepInMilliseconds: 5000,
  });
  assert.deepEqual(commands['ads']?.['metrics'], {
    healthBucketSizeInMs: 1000,
    percentileBucketSizeInMilliseconds: 10_000,
    percentileBucketCount: 6,
    percentileEnabled: true,
    counterBucketSizeInMilliseconds: 1000,
    counterBucketCount: 10,
  });
  assert.deepEqual(commands['reviews']?.['execution'], {
    isolationStrategy: 'THREAD',
    threadPoolKeyOverride: null,
    requestCacheEnabled: false,
    requestLogEnabled: false,
    timeoutEnabled: true,
    fallbackEnabled: false,
    timeoutInMilliseconds: 15_000,
    semaphoreSize: 256,
    fallbackSemaphoreSize: 10,
    threadInterruptOnTimeout: true,
  });
  assert.deepEqual(threadpools['reviews'], {
    coreSize: 256,
    maximumSize: 256,
    actualMaximumSize: 256,
    maxQueueSize: 128,
    queueRejectionThreshold: 128,
    keepAliveTimeInMinutes: 0,
    allowMaximumSizeToDivergeFromCoreSize: false,
    counterBucketSizeInMilliseconds: 1000,
    counterBucketCount: 10,
  });
});

test('the configuration comes again after five seconds, and pings all the while', async (context) => {
  const admin = await startAdmin(context);
  const { reader } = await firstEvent(admin, '/hystrix/config.stream');

  admin.clock.advance(4500);
  await reader.until(({ pings }) => pings === 9);
  const eventsBefore = reader.eventCount;
  admin.clock.advance(500);
  await reader.until(({ eventCount }) => eventCount === 2);

  assert.equal(eventsBefore, 1);
});

test('a thousand commands are still one event', async (context) => {
  const admin = await startAdmin(context);
  for (let i = 0; i < 1000; i += 1) admin.port.commands.open(describeCommand(`upstream-${i}`));

  const response = await fetch(`http://127.0.0.1:${admin.tcpPort}/hystrix/utilization.stream`);
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('\n\n')) break;
  }

  const { commands, threadpools } = JSON.parse(text.slice('data: '.length, text.indexOf('\n\n')));
  assert.equal(Object.keys(commands).length, 1001);
  assert.equal(Object.keys(threadpools).length, 1001);
});

import type { CommandBook } from '../telemetry/command-book.ts';
import type { BulkheadView, CommandDescription } from '../telemetry/command-figures.ts';
import type { Commands } from '../telemetry/commands.ts';
import { integer, isThreadLike, safeName } from './hystrix-events.ts';

/** Commands that are rendered without a pause; each takes a few microseconds. */
const sliceCommands = 250;

/** Latencies are kept for a minute, in six buckets. */
const percentileBucketMs = 10_000;
const percentileBuckets = 6;
/** Counts are kept in ten buckets over the breaker's window. */
const counterBuckets = 10;

/** What a command is at work on (`HystrixUtilization`). */
const commandUtilization = (inFlight: number) => ({ activeCount: inFlight });

const poolUtilization = (bulkhead: BulkheadView) => ({
  activeCount: bulkhead.inFlight,
  queueSize: bulkhead.queued,
  corePoolSize: integer(bulkhead.concurrency),
  poolSize: integer(bulkhead.concurrency),
});

/** How a command is set (`HystrixConfig`). */
const commandConfig = (command: CommandDescription, force: 'open' | 'closed' | 'none') => {
  const { settings, bulkhead } = command;
  const { breaker, timeout, fallback } = settings;
  return {
    threadPoolKey: safeName(bulkhead.name),
    groupKey: safeName(command.upstream),
    execution: {
      isolationStrategy: isThreadLike(command) ? 'THREAD' : 'SEMAPHORE',
      threadPoolKeyOverride: null,
      requestCacheEnabled: false,
      requestLogEnabled: false,
      timeoutEnabled: true,
      fallbackEnabled: fallback.on.length > 0,
      timeoutInMilliseconds: integer(Math.min(timeout.attemptMs, timeout.totalMs)),
      semaphoreSize: integer(bulkhead.concurrency),
      fallbackSemaphoreSize: integer(fallback.concurrency),
      threadInterruptOnTimeout: true,
    },
    metrics: {
      healthBucketSizeInMs: integer(breaker.windowMs / counterBuckets),
      percentileBucketSizeInMilliseconds: percentileBucketMs,
      percentileBucketCount: percentileBuckets,
      percentileEnabled: true,
      counterBucketSizeInMilliseconds: integer(breaker.windowMs / counterBuckets),
      counterBucketCount: counterBuckets,
    },
    circuitBreaker: {
      enabled: true,
      isForcedOpen: force === 'open',
      isForcedClosed: force === 'closed',
      requestVolumeThreshold: integer(breaker.volume),
      errorPercentageThreshold: integer(breaker.errorPercent),
      sleepInMilliseconds: integer(breaker.sleepMs),
    },
  };
};

const poolConfig = (bulkhead: BulkheadView, windowMs: number) => ({
  coreSize: integer(bulkhead.concurrency),
  maximumSize: integer(bulkhead.concurrency),
  actualMaximumSize: integer(bulkhead.concurrency),
  maxQueueSize: integer(bulkhead.queueLimit),
  queueRejectionThreshold: integer(bulkhead.queueLimit),
  keepAliveTimeInMinutes: 0,
  allowMaximumSizeToDivergeFromCoreSize: false,
  counterBucketSizeInMilliseconds: integer(windowMs / counterBuckets),
  counterBucketCount: counterBuckets,
});

/** One event with an entry for each command and for each bulkhead, in slices. */
function* renderSummary(
  type: string,
  commands: Commands,
  commandEntry: (book: CommandBook) => unknown,
  poolEntry: (bulkhead: BulkheadView, windowMs: number) => unknown,
): Generator<Buffer> {
  const pools = new Map<BulkheadView, number>();
  let text = `data: {"type":"${type}","commands":{`;
  let rendered = 0;
  // As they are when the tick begins: one that is dropped and comes back between two slices would be told of twice.
  for (const book of [...commands.all()]) {
    const { name, bulkhead, settings } = book.description;
    if (!pools.has(bulkhead)) pools.set(bulkhead, settings.breaker.windowMs);
    text += `${rendered === 0 ? '' : ','}${JSON.stringify(safeName(name))}:${JSON.stringify(commandEntry(book))}`;
    rendered += 1;
    if (rendered % sliceCommands > 0) continue;
    yield Buffer.from(text);
    text = '';
  }
  const entries = Array.from(
    pools,
    ([bulkhead, windowMs]) =>
      `${JSON.stringify(safeName(bulkhead.name))}:${JSON.stringify(poolEntry(bulkhead, windowMs))}`,
  );
  const collapsers = type === 'HystrixConfig' ? ',"collapsers":{}' : '';
  yield Buffer.from(`${text}},"threadpools":{${entries.join()}}${collapsers}}\n\n`);
}

/** What `/hystrix/utilization.stream` says in one tick: how busy everything is. */
export const renderUtilization = (commands: Commands): Generator<Buffer> =>
  renderSummary('HystrixUtilization', commands, (book) => commandUtilization(book.inFlight), poolUtilization);

/** What `/hystrix/config.stream` says in one tick: how everything is set. */
export const renderConfig = (commands: Commands, now: number): Generator<Buffer> =>
  renderSummary(
    'HystrixConfig',
    commands,
    ({ description }) => commandConfig(description, description.breaker.status(now).force),
    poolConfig,
  );

import type {
  BulkheadView,
  CommandDescription,
  CommandFigures,
  LatencyFigures,
} from '../telemetry/command-figures.ts';
import { latencyPercents } from '../telemetry/command-figures.ts';
import type { Commands } from '../telemetry/commands.ts';

/** Commands that are rendered without a pause: one or two milliseconds of work. */
const sliceCommands = 50;

/** What stands for "unlimited": the largest Java int. */
const largestInt = 2 ** 31 - 1;

/**
 * Every number of the streams is an integer: Turbine turns others into text. Limits and what is bounded by them end at
 * the largest Java int; a count since the process began is a Java long, and goes on.
 */
export const integer = (value: number): number => Math.min(Math.trunc(value), largestInt);

/** Netflix's dashboard puts names into its page as they are. */
const unsafe = /[^A-Za-z0-9._:/@ -]/g;

/** FNV-1a of 32 bits, in hexadecimal. */
const shortHash = (text: string): string => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
};

/**
 * A name as other people's pages can show it. One that had to be changed carries a mark of what it was, so that two of
 * them do not become one, whose cards would overwrite each other (decision 0023).
 */
export const safeName = (name: string): string => {
  const safe = name.replace(unsafe, '_');
  return safe === name ? name : `${safe}_${shortHash(name)}`;
};

const percentileKeys = latencyPercents.map((percent) => `"${percent}":`);

/** A latency's two fields, as JSON in Hystrix's order: an object would put its whole numbers before 99.5. */
const latencyFields = (name: string, { mean, percentiles }: LatencyFigures): string => {
  const values = percentileKeys.map((key, index) => key + integer(percentiles[index]!));
  return `"${name}_mean":${integer(mean)},"${name}":{${values.join()}}`;
};

/** Hystrix's THREAD has a queue, its SEMAPHORE has none (decision 0023). */
export const isThreadLike = ({ bulkhead }: CommandDescription): boolean => bulkhead.queueLimit > 0;

/** What is the same for a command in every tick, until the configuration changes. */
const standingFields = ({ name, upstream, bulkhead, settings }: CommandDescription) => {
  const { breaker, timeout, fallback } = settings;
  const timeoutMs = integer(Math.min(timeout.attemptMs, timeout.totalMs));
  return {
    type: 'HystrixCommand',
    name: safeName(name),
    group: safeName(upstream),
    threadPool: safeName(bulkhead.name),
    reportingHosts: 1,
    rollingCountCollapsedRequests: 0,
    rollingCountEmit: 0,
    rollingCountFallbackEmit: 0,
    rollingCountFallbackFailure: 0,
    rollingCountResponsesFromCache: 0,
    propertyValue_circuitBreakerRequestVolumeThreshold: integer(breaker.volume),
    propertyValue_circuitBreakerSleepWindowInMilliseconds: integer(breaker.sleepMs),
    propertyValue_circuitBreakerErrorThresholdPercentage: integer(breaker.errorPercent),
    propertyValue_circuitBreakerEnabled: true,
    propertyValue_executionIsolationThreadTimeoutInMilliseconds: timeoutMs,
    propertyValue_executionTimeoutInMilliseconds: timeoutMs,
    propertyValue_executionIsolationThreadInterruptOnTimeout: true,
    propertyValue_executionIsolationThreadPoolKeyOverride: null,
    propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests: integer(fallback.concurrency),
    propertyValue_metricsRollingStatisticalWindowInMilliseconds: integer(breaker.windowMs),
    propertyValue_requestCacheEnabled: false,
    propertyValue_requestLogEnabled: false,
  };
};

/** What may be another in every tick. Of the bulkhead too: a reload changes its limits in place. */
const movingFields = (figures: CommandFigures, currentTime: number) => {
  const { status, rolling, bulkhead } = figures;
  const isThread = isThreadLike(figures);
  return {
    currentTime: Math.trunc(currentTime),
    isCircuitBreakerOpen: status.isOpen,
    errorPercentage: integer(status.errorPercent),
    errorCount: integer(status.errors),
    requestCount: integer(status.total),
    rollingCountBadRequests: rolling.badRequest,
    rollingCountExceptionsThrown: rolling.badRequest + rolling.fallbackMissing + rolling.fallbackRejected,
    rollingCountFailure: rolling.failure,
    rollingCountFallbackMissing: rolling.fallbackMissing,
    rollingCountFallbackRejection: rolling.fallbackRejected,
    rollingCountFallbackSuccess: rolling.fallbackSuccess,
    rollingCountSemaphoreRejected: isThread ? 0 : rolling.bulkheadRejected,
    rollingCountShortCircuited: rolling.shortCircuited,
    rollingCountSuccess: rolling.success,
    rollingCountThreadPoolRejected: isThread ? rolling.bulkheadRejected : 0,
    rollingCountTimeout: rolling.timeout,
    currentConcurrentExecutionCount: figures.inFlight,
    rollingMaxConcurrentExecutionCount: figures.maxInFlight,
    propertyValue_circuitBreakerForceOpen: status.force === 'open',
    propertyValue_circuitBreakerForceClosed: status.force === 'closed',
    propertyValue_executionIsolationStrategy: isThread ? 'THREAD' : 'SEMAPHORE',
    propertyValue_executionIsolationSemaphoreMaxConcurrentRequests: integer(bulkhead.concurrency),
  };
};

/** The fields of an object as they stand between its braces. */
const fieldsText = (fields: object): string => JSON.stringify(fields).slice(1, -1);

/** Rendered once for each description: a third of an event's text, and most of the work for its names. */
const standingTexts = new WeakMap<CommandDescription, string>();

const standingText = (description: CommandDescription): string => {
  const known = standingTexts.get(description);
  if (known !== undefined) return known;
  const text = fieldsText(standingFields(description));
  standingTexts.set(description, text);
  return text;
};

/**
 * The `HystrixCommand` event of a command, as JSON. `currentTime`: epoch ms. Its set of keys never changes, and it is
 * made of texts, since one object of all its fields costs twice the time.
 */
export const commandEvent = (
  description: CommandDescription,
  figures: CommandFigures,
  currentTime: number,
): string =>
  `{${standingText(description)},${fieldsText(movingFields(figures, currentTime))},` +
  `${latencyFields('latencyExecute', figures.latencyExecute)},` +
  `${latencyFields('latencyTotal', figures.latencyTotal)}}`;

/** Attempts that ran, in Hystrix's sense of EXECUTED. */
const executed = ({ rolling }: CommandFigures): number =>
  rolling.success + rolling.failure + rolling.timeout + rolling.badRequest;

/** The `HystrixThreadPool` event of a bulkhead, out of the figures of all commands that share it (at least one). */
export const poolEvent = (sharers: readonly CommandFigures[], currentTime: number) => {
  const { bulkhead, settings } = sharers[0]!;
  let executions = 0;
  let rejections = 0;
  let maxActive = bulkhead.inFlight;
  for (const figures of sharers) {
    executions += executed(figures);
    rejections += figures.rolling.bulkheadRejected;
    maxActive = Math.max(maxActive, figures.maxBulkheadInFlight);
  }
  const size = integer(bulkhead.concurrency);
  return {
    type: 'HystrixThreadPool',
    name: safeName(bulkhead.name),
    currentTime: Math.trunc(currentTime),
    currentActiveCount: bulkhead.inFlight,
    currentCompletedTaskCount: bulkhead.completedTotal,
    currentCorePoolSize: size,
    currentMaximumPoolSize: size,
    currentLargestPoolSize: bulkhead.maxInFlightEver,
    currentPoolSize: size,
    currentQueueSize: bulkhead.queued,
    currentTaskCount: bulkhead.completedTotal + bulkhead.inFlight + bulkhead.queued,
    rollingCountThreadsExecuted: executions,
    rollingMaxActiveThreads: maxActive,
    rollingCountCommandRejections: rejections,
    propertyValue_queueSizeRejectionThreshold: integer(bulkhead.queueLimit),
    propertyValue_metricsRollingStatisticalWindowInMilliseconds: integer(settings.breaker.windowMs),
    reportingHosts: 1,
  };
};

/** What `/hystrix.stream` says in one tick: an event for each command, then one for each bulkhead. */
export function* renderEvents(commands: Commands, now: number, wallTime: number): Generator<Buffer> {
  let text = '';
  let rendered = 0;
  const sharersOf = new Map<BulkheadView, CommandFigures[]>();
  // As they are when the tick begins: one that is dropped and comes back between two slices would be told of twice.
  for (const book of [...commands.all()]) {
    const figures = book.figures(now);
    text += `data: ${commandEvent(book.description, figures, wallTime)}\n\n`;
    const sharers = sharersOf.get(figures.bulkhead);
    if (sharers === undefined) sharersOf.set(figures.bulkhead, [figures]);
    else sharers.push(figures);
    rendered += 1;
    if (rendered % sliceCommands > 0) continue;
    yield Buffer.from(text);
    text = '';
  }
  for (const sharers of sharersOf.values()) {
    text += `data: ${JSON.stringify(poolEvent(sharers, wallTime))}\n\n`;
    rendered += 1;
    // A pool's event is a fraction of a command's work.
    if (rendered % (4 * sliceCommands) > 0) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

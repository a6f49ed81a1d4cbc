import { choice, flag, type Kind, listOf, Refusal, text } from './kinds.ts';
import { count, duration, percent, size } from './number-kinds.ts';
import { type Complete, key, optional, refusedKey, type Written } from './rows.ts';
import { fallbackWord, headerFields, retryCondition, statusRange, upgradeProtocol } from './text-kinds.ts';

const hour = 3_600_000;
const day = 24 * hour;
const million = 1_000_000;
const mib = 1_048_576;

const anyText: Kind<string> = text('text', (value) => value);
/** A file that the configuration names. */
export const filePath: Kind<string> = text(
  'a path',
  (value) => (value === '' || value.includes('\0') ? new Refusal('is not a path') : value),
  { json: { type: 'string', minLength: 1 }, isSecret: true },
);

/** What routes may override. */
export const routePolicyKeys = {
  timeout: {
    connect: key(duration({ min: 1, max: hour }), '1s', 'Resolving the name, connecting and TLS, together.'),
    attempt: key(
      duration({ min: 1, max: day, word: 'none' }),
      'none',
      'One attempt, from the request being here whole to the response head. `none`, and also anything longer than what is left of the total: that.',
    ),
    total: key(
      duration({ min: 1, max: day, word: 'unlimited' }),
      '15s',
      'All attempts and waits, to the response head. Starts when the request has been received whole (at once without a body).',
    ),
    idle: key(
      duration({ min: 1, max: day, word: 'unlimited' }),
      '60s',
      'No byte in either direction once bodies flow.',
    ),
    body: key(duration({ min: 1, max: day, word: 'none' }), 'none', 'The whole exchange, bodies included.'),
  },
  bulkhead: {
    concurrency: key(
      count({ min: 1, max: million, word: 'unlimited' }),
      256,
      'Requests in flight at the same time. Per upstream; a route that writes `bulkhead` gets its own.',
    ),
    queue: key(count({ min: 0, max: million }), 128, 'Requests that may wait for a place; 0: none.'),
    queueTimeout: key(duration({ min: 1, max: hour }), '1s', 'The longest wait in the queue.'),
  },
  breaker: {
    window: key(duration({ min: 100, max: hour }), '10s', 'Length of the health window.'),
    volume: key(
      count({ min: 1, max: million }),
      20,
      'Attempts that must be in the window before it is judged.',
    ),
    errorPercent: key(percent(1), 50, 'Share of failures that opens the breaker; inclusive.'),
    sleep: key(
      duration({ min: 1, max: day }),
      '5s',
      'How long an open breaker refuses before it lets a probe through.',
    ),
    probes: key(
      count({ min: 1, max: 1000 }),
      1,
      'Successful probes that close it; one failed probe opens it again.',
    ),
    slowerThan: key(
      duration({ min: 1, max: day, word: 'off' }),
      'off',
      'Attempts slower than this count as slow.',
    ),
    slowPercent: key(percent(1), 80, 'Share of slow attempts that opens the breaker; inclusive.'),
    consecutive: key(
      count({ min: 1, max: million, word: 'off' }),
      'off',
      'Failures in a row that open it, whatever the volume.',
    ),
    countRejections: key(flag, false, 'Whether bulkhead rejections vote as failures, as in Hystrix.'),
    force: key(
      choice('none', 'open', 'closed'),
      'none',
      'Keeps the breaker open or closed whatever happens.',
    ),
  },
  retry: {
    attempts: key(count({ min: 1, max: 20 }), 3, 'Attempts in all, the first included; 1: no retry.'),
    on: key(
      listOf(retryCondition, retryCondition.range),
      ['connect-failure', 'reset', 502, 503, 504],
      'What is tried again. Where anything was sent, only requests that may be repeated; 408, 421 and 425 say that the request was not processed, and are repeated with any method.',
    ),
    backoff: {
      base: key(
        duration({ min: 0, max: 60_000 }),
        '25ms',
        'The first wait is up to this long, and each next up to twice the one before (full jitter).',
      ),
      max: key(duration({ min: 0, max: hour }), '250ms', 'No wait is longer.'),
    },
    budget: refusedKey('belongs to the upstream, not to a route', 'The budget is shared by the routes.'),
    bodyLimit: key(
      size({ min: 0, max: 16 * mib }),
      '64KiB',
      "How much of a request's body is recorded so that it can be sent again.",
    ),
    nonIdempotent: key(flag, false, 'Whether requests of every method may be repeated, POST included.'),
  },
  failure: {
    status: key(
      listOf(statusRange, statusRange.range),
      [500, '502-504', '506-599'],
      'Statuses that count as failures.',
    ),
    ignore: key(
      listOf(statusRange, statusRange.range),
      [],
      'Statuses that count for nothing, also where `status` has them.',
    ),
  },
  fallback: {
    on: key(listOf(fallbackWord, fallbackWord.range), [], 'Reasons for which the fallback answers.'),
    status: key(count({ min: 200, max: 599 }), 200, "The answer's status."),
    headers: optional(headerFields, 'none', "The answer's header fields."),
    body: optional(anyText, 'empty', "The answer's body."),
    bodyFile: optional(
      filePath,
      'none',
      "A file with the answer's body, at most 1MiB, read with the configuration; a relative path starts at the configuration's folder.",
    ),
    concurrency: key(count({ min: 1, max: million }), 10, 'Fallbacks that may be served at the same time.'),
  },
  upgrade: key(
    listOf(upgradeProtocol, upgradeProtocol.range),
    ['websocket'],
    'Protocols that a request may switch to. The connection is then a tunnel: `timeout.idle` bounds its silence, and `egress.maxTunnels` how many there are.',
  ),
  tcp: {
    earlyReset: key(
      duration({ min: 1, max: hour }),
      '1s',
      'Of TCP upstreams and CONNECT: a connection that the upstream resets within this time, before its first byte, is a failure.',
    ),
  },
};

/** What `defaults` and upstreams may say beside that. */
export const policyKeys = {
  ...routePolicyKeys,
  retry: {
    ...routePolicyKeys.retry,
    budget: {
      percent: key(percent(0), 20, 'Retries that are allowed for each hundred requests. Per upstream.'),
      minPerSecond: key(
        count({ min: 0, max: 10_000 }),
        10,
        'Retries per second that are allowed in any case.',
      ),
    },
  },
  pool: {
    connectionsPerEndpoint: key(
      count({ min: 1, max: 65_535 }),
      256,
      'Connections to one endpoint, busy and idle together.',
    ),
    idle: key(
      duration({ min: 1, max: hour }),
      '4s',
      "How long an idle connection is kept; less where the upstream's `Keep-Alive: timeout` says so.",
    ),
    maxIdle: key(count({ min: 0, max: 65_535 }), 64, 'Idle connections of one endpoint.'),
  },
};

/** A policy with every default filled in, keyed as the file is. */
export type Policy = Complete<typeof policyKeys>;
/** The part of it that somebody wrote. */
export type WrittenPolicy = Written<typeof policyKeys>;

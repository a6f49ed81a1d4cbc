import { choice, listOf } from './kinds.ts';
import { count, duration, share, size } from './number-kinds.ts';
import { key, optional } from './rows.ts';
import { listenAddress, plainHost, secret } from './text-kinds.ts';

const hour = 3_600_000;
const day = 24 * hour;
const million = 1_000_000;
const mib = 1_048_576;

/** The parts of the file that are there once. */
export const globalKeys = {
  admin: {
    address: key(
      listenAddress,
      '127.0.0.1:7401',
      'Dashboard, streams, control. Anything but loopback needs `token`.',
    ),
    token: optional(
      secret,
      'none',
      'Asked of everybody, except for the probes. Best taken from the environment.',
    ),
    probes: optional(
      listenAddress,
      'none',
      'A second address with nothing but `/livez`, `/readyz`, `/startupz` and `/metrics`.',
    ),
    allowHosts: key(
      listOf(plainHost, 'host names without ports'),
      [],
      'Names beside the loopback ones that `Host` may carry.',
    ),
    maxStreams: {
      hystrix: key(count({ min: 0, max: 1000 }), 5, 'Readers of `/hystrix.stream` at the same time.'),
      all: key(count({ min: 0, max: 10_000 }), 50, 'Readers of all streams together.'),
    },
  },
  egress: {
    address: key(
      listenAddress,
      '127.0.0.1:7400',
      'The proxy: absolute-form requests, CONNECT, and requests routed by `Host`.',
    ),
    unlisted: key(
      choice('deny', 'allow'),
      'deny',
      'Destinations that no upstream names. Without any configuration: `allow`.',
    ),
    maxUnlisted: key(
      count({ min: 1, max: 100_000 }),
      256,
      'Unlisted destinations that are remembered at the same time.',
    ),
    unlistedIdle: key(
      duration({ min: 1, max: day }),
      '10m',
      'How long an unlisted destination is remembered without a request.',
    ),
    maxConnections: key(count({ min: 1, max: million }), 10_000, 'Connections of clients at the same time.'),
    maxTunnels: key(
      count({ min: 1, max: million }),
      1000,
      'Tunnels (CONNECT and upgrades) at the same time. They last as long as both sides want, and do not count in bulkheads.',
    ),
  },
  limits: {
    requestLine: key(size({ min: 64, max: mib }), '8KiB', 'Method, target and version of a request.'),
    requestHead: key(size({ min: 128, max: mib / 4 }), '32KiB', "A request's head, the first line included."),
    fields: key(count({ min: 1, max: 10_000 }), 200, 'Header fields of a message; also of its trailers.'),
    responseHead: key(size({ min: 128, max: mib / 4 }), '64KiB', "A response's head."),
    trailers: key(size({ min: 0, max: mib }), '8KiB', 'The trailers of a message.'),
    chunkExtension: key(size({ min: 0, max: 64 * 1024 }), '1KiB', 'The extensions of one chunk.'),
    informational: key(
      count({ min: 0, max: 1000 }),
      20,
      'Informational (1xx) responses before the final one.',
    ),
    headTimeout: key(
      duration({ min: 1, max: hour }),
      '10s',
      "From a request's first byte to the end of its head; also from accepting a connection to its first request.",
    ),
    bodyIdle: key(duration({ min: 1, max: hour }), '30s', "Between two bytes of a request's body."),
    writeStall: key(
      duration({ min: 1, max: hour }),
      '30s',
      'A client that does not take what is written to it.',
    ),
    keepAlive: key(duration({ min: 1, max: hour }), '60s', 'A connection of a client without a request.'),
    requestBody: key(
      size({ min: 0, max: 2 ** 40, word: 'unlimited' }),
      'unlimited',
      "A request's body. Bodies are streamed, never stored, so their length costs no memory.",
    ),
    replay: key(
      size({ min: 0, max: 4 * 1024 * mib }),
      '16MiB',
      'Everything that is recorded for retries at the same time.',
    ),
  },
  log: {
    level: key(
      choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
      'info',
      'The least severe lines that are written.',
    ),
    format: key(choice('json', 'pretty'), 'json', '`pretty` is for people.'),
    access: key(
      choice('off', 'errors', 'sampled', 'all'),
      'errors',
      'Which exchanges get a line. `sampled`: those with errors, and a share of the others.',
    ),
    sample: key(share, '1%', 'That share.'),
  },
  drain: {
    deadline: key(
      duration({ min: 0, max: hour }),
      '25s',
      'After this long a process that was asked to stop stops, whatever is going on.',
    ),
    idleExit: key(
      duration({ min: 0, max: hour }),
      '2s',
      'Without any exchange for this long, it stops earlier.',
    ),
  },
};

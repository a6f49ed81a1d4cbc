import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readTree } from './import-graph.ts';

const root = fileURLToPath(new URL('../../src', import.meta.url));

/** The system's clocks and timers, but not a method of that name of something else, such as a server. */
const systemTime = /(?<![.\w])(?:Date\.now|performance\.now|process\.hrtime|setTimeout|setInterval)\b/;

const systemTimeUsers: Readonly<Record<string, string>> = {
  'lib/clock.ts': 'gives it',
  'cli/defects.ts': 'the last words of a process that ends, whatever state it is in',
};

/** The time of day, which anybody may set. */
const wallTime = /\bwallTime\(\)|\bnew Date\(/;

/** Who may ask for the time of day, and what for: never to measure or to wait. */
const wallTimeReaders: Readonly<Record<string, string>> = {
  'lib/clock.ts': 'gives it',
  'admin/event-pass.ts': 'when an event was',
  'admin/hystrix-stream.ts': 'currentTime of the events',
  'admin/session.ts': 'until when somebody stays signed in',
  'policy/classify.ts': 'a Retry-After that is a date',
  'proxy/attempt-run.ts': 'a Retry-After that is a date',
  'runtime/app.ts': 'since when the process runs',
  'runtime/registry.ts': 'when an event was',
  'runtime/reloader.ts': 'when an event was',
  'telemetry/log.ts': 'the time of a line',
  'upstream/tls-context.ts': 'when an event was',
  'upstream/tls-dialer.ts': 'how long a certificate has been expired',
  'upstream/upstream.ts': 'when an event was',
};

/** What runs in a browser has the browser's clock and no other. */
const isPage = (path: string): boolean => path.startsWith('admin/dashboard/');

/** Files in which the pattern occurs. */
const filesWith = (pattern: RegExp): string[] =>
  readTree(root)
    .map(({ path }) => path)
    .filter((path) => pattern.test(readFileSync(join(root, path), 'utf8')));

test('the clocks and timers of the system are used behind the clock and nowhere else', () => {
  assert.deepEqual(
    filesWith(systemTime).filter((path) => !isPage(path) && systemTimeUsers[path] === undefined),
    [],
  );
});

test('the time of day is read where it is told to people, and nowhere else', () => {
  assert.deepEqual(
    filesWith(wallTime).filter((path) => !isPage(path) && wallTimeReaders[path] === undefined),
    [],
  );
});

/**
 * The parts of a request one by one: `node test/bench/micro.ts [PART]`, where PART is some of a name below. For whoever
 * changes one of them; what counts in the end is `npm run bench`.
 */
import { bench, do_not_optimize, run } from 'mitata';
import { EventPass } from '../../src/admin/event-pass.ts';
import { renderEvents } from '../../src/admin/hystrix-events.ts';
import { ChunkedScanner } from '../../src/http1/chunked-scanner.ts';
import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { RequestHead } from '../../src/http1/request-head.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Histogram } from '../../src/lib/histogram.ts';
import type { Breaker } from '../../src/policy/breaker.ts';
import { RetryBudget } from '../../src/policy/budget.ts';
import { Bulkhead } from '../../src/policy/bulkhead.ts';
import { success } from '../../src/policy/outcome.ts';
import { planFor } from '../../src/proxy/route.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { FakePort } from '../admin/admin-fixture.ts';
import { Pipeline } from '../rig/pipeline.ts';
import { exchangeEnded, metricsSource } from '../telemetry/command-fixture.ts';
import { BarePipeline } from './bare-pipeline.ts';

/** A head of about so many bytes, as browsers and libraries send them. */
const headOf = (bytes: number): Buffer => {
  const start = 'GET /items/42?expand=price HTTP/1.1\r\nHost: items.example\r\nAccept: application/json\r\n';
  let fields = '';
  for (let n = 0; start.length + fields.length < bytes - 60; n += 1) {
    fields += `X-Field-${n}: ${'value '.repeat(6)}\r\n`;
  }
  return Buffer.from(`${start}${fields}\r\n`, 'latin1');
};

const headBounds = { lineBytes: 8192, headBytes: 32_768, fields: 200 };
for (const bytes of [256, 1024, 8192]) {
  const head = headOf(bytes);
  const scanner = new HeadScanner('request', headBounds);
  bench(`head parser, ${head.length} bytes`, () => {
    scanner.reset();
    scanner.scan(head, 0, head.length);
    const request = new RequestHead(scanner, head.toString('latin1'));
    do_not_optimize(request.interpret(scanner));
  });
}

for (const [name, force] of [
  ['request', 'none'],
  ['refusal', 'open'],
] as const) {
  const bare = new BarePipeline(1, force);
  let answers = 0;
  bench(`${name}, all of the path but the system`, () => {
    answers += 1;
    if (bare.round() !== answers) throw new Error('a request was not answered');
  });
}

/** A MiB of content in chunks of this size. */
const chunkedOf = (chunkBytes: number): Buffer => {
  const chunk = `${chunkBytes.toString(16)}\r\n${'x'.repeat(chunkBytes)}\r\n`;
  return Buffer.from(`${chunk.repeat(2 ** 20 / chunkBytes)}0\r\n\r\n`, 'latin1');
};
for (const chunkBytes of [64, 16_384]) {
  const body = chunkedOf(chunkBytes);
  const scratch = Buffer.alloc(body.length);
  bench(`chunked body, 1 MiB in chunks of ${chunkBytes}`, () => {
    // It moves content together where it stands.
    body.copy(scratch);
    const scanner = new ChunkedScanner({ extensionBytes: 1024, trailerBytes: 8192, fields: 200 });
    do_not_optimize(scanner.scan(scratch, 0, scratch.length));
  });
}

/** Everything that a plan has, with so many routes. */
const withRoutes = (routes: number): Pipeline =>
  new Pipeline({
    routes: Array.from({ length: routes }, (_, n) => ({ name: `r${n}`, match: { path: `/r${n}/*` } })),
  });
const ok = success(200);

const { plan } = new Pipeline();
const breaker = plan.breaker as Breaker;
let now = 0;
bench('breaker: acquire and settle', () => {
  now += 0.01;
  const permit = breaker.acquire(now);
  if ('settle' in permit) permit.settle(ok, 1, now);
});
const bulkhead = new Bulkhead('b', { concurrency: 256, queue: 128, queueTimeoutMs: 1000 }, systemClock);
const waiter = { gate: breaker, admitted() {}, refused() {} };
bench('bulkhead: enter and release', () => {
  const slot = bulkhead.enter(0, waiter);
  if (slot.kind === 'slot') slot.release(0);
});
const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
bench('retry budget: deposit and withdraw', () => {
  now += 0.01;
  budget.deposit(now);
  do_not_optimize(budget.withdraw(now));
});
const histogram = new Histogram();
bench('histogram: record', () => {
  now += 0.01;
  histogram.record(now % 1000);
});
for (const routes of [10, 1000]) {
  const upstream = withRoutes(routes).routes;
  const path = `/r${routes / 2}/items/42?expand=price`;
  bench(`plan lookup, ${routes} routes`, () => do_not_optimize(planFor(upstream, 'GET', path)));
}

/** A thousand commands that have all been used. */
const crowd = withRoutes(1000);
for (const book of crowd.commands.all()) {
  book.attemptStarted(0);
  book.attemptSettled(ok, 12, 0);
  book.exchangeEnded(exchangeEnded(), 0);
}
const metrics = new Metrics(metricsSource({ commands: crowd.commands, clock: systemClock }));
bench('metrics page, 1,000 commands', async () => do_not_optimize(await metrics.page('')));
bench('tick of /hystrix.stream, 1,000 commands', () => {
  for (const slice of renderEvents(crowd.commands, 0, 0)) do_not_optimize(slice);
});
const port = Object.assign(new FakePort(), { commands: crowd.commands });
const pass = new EventPass(port, systemClock);
bench('tick of /events, 1,000 commands', () => {
  for (const slice of pass.run(false)) do_not_optimize(slice);
  do_not_optimize(pass.tick(pass.number - 1));
});

const [part] = process.argv.slice(2);
await run({ throw: true, ...(part !== undefined && { filter: new RegExp(part) }) });
process.exit(0);

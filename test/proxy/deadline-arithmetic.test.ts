import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../src/policy/outcome.ts';
import { MIN_USEFUL_MS } from '../../src/policy/retry.ts';
import { Pipeline } from '../rig/pipeline.ts';

const totalMs = 1000;

const config = {
  timeout: { attempt: '500ms', total: `${totalMs}ms` },
  retry: {
    attempts: 4,
    on: ['timeout', 'reset'],
    backoff: { base: '200ms', max: '200ms' },
    budget: { percent: 100, minPerSecond: 100 },
  },
};

test('three retries of 500 ms each fit into a total of 1 s, whatever the jitter says and however they fail', async () => {
  const run = fc.record({
    jitter: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 4, maxLength: 4 }),
    resetAfterMs: fc.array(fc.option(fc.nat(499), { nil: Number.POSITIVE_INFINITY }), {
      minLength: 4,
      maxLength: 4,
    }),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ jitter, resetAfterMs }) => {
      const pipeline = new Pipeline(config);
      const { clock, transport } = pipeline;
      const begunAt = clock.now();
      const starts: number[] = [];
      transport.onStart = (attempt) => {
        const afterMs = resetAfterMs[starts.length]!;
        pipeline.random = jitter[starts.length]!;
        starts.push(clock.now() - begunAt);
        if (afterMs === Number.POSITIVE_INFINITY) return;
        clock.after(afterMs, () => {
          if (attempt.state === 'started') attempt.end(failure('reset', false));
        });
      };
      const client = pipeline.request();
      for (let elapsed = 0; elapsed < totalMs; elapsed += 1) await pipeline.advance(1);

      assert.notEqual(client.status, 0, `no answer; attempts at ${starts}`);
      assert.ok(starts.length <= 4);
      for (const start of starts) assert.ok(start <= totalMs - MIN_USEFUL_MS, `one began at ${start}`);
    }),
    {
      numRuns: 20,
      // A retry that is decided on with exactly the least time left, and then begins a moment later.
      examples: [
        [{ jitter: [0, 0, 0, 0], resetAfterMs: [495, ...Array<number>(3).fill(Number.POSITIVE_INFINITY)] }],
      ],
    },
  );
});

test('an attempt that begins late is cut by the total, not given its own time in full', async () => {
  const pipeline = new Pipeline(config);
  pipeline.random = 0.999;
  const client = pipeline.request();

  await pipeline.advance(500);
  await pipeline.advance(200);
  assert.equal(pipeline.transport.attempts.length, 2);
  await pipeline.advance(299);
  assert.equal(client.status, 0);
  await pipeline.advance(1);

  assert.equal(client.status, 504);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BarePipeline } from './bare-pipeline.ts';

for (const [what, force] of [
  ['requests', 'none'],
  ['refusals', 'open'],
] as const) {
  test(`without sockets, ${what} take the whole path and are answered`, () => {
    const bare = new BarePipeline(2, force);

    assert.equal(bare.round(), 2);
    assert.equal(bare.round(), 4);
  });
}

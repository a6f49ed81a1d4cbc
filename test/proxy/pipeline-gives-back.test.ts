import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { type FakeClient, nothing, Pipeline } from '../rig/pipeline.ts';

const upload = ['Content-Length: 6'];

/** Where a request can be when something happens to it: each brings one there. */
const stages: Readonly<Record<string, (pipeline: Pipeline) => Promise<FakeClient> | FakeClient>> = {
  'waits in the queue': (pipeline) => {
    const first = pipeline.request();
    // It leaves when the other one's fate is sealed.
    pipeline.clock.after(3950, () => first.leave());
    return pipeline.request('PUT', upload);
  },
  'is being connected': (pipeline) => pipeline.request('PUT', upload),
  'waits for its answer': (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.connect();
    client.send('abc');
    return client;
  },
  'waits between two attempts': (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.connect();
    client.send('abc');
    pipeline.transport.last.end(failure('reset', false));
    return client;
  },
  'waits after a retry that failed too': async (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.end(failure('connect_refused', true));
    await pipeline.advance(20);
    pipeline.transport.last.end(failure('connect_refused', true));
    return client;
  },
  'waits with an answer in hand': (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.connect();
    client.send('abc');
    pipeline.transport.last.answer(503);
    return client;
  },
  'is in its second attempt': async (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.connect();
    client.send('abc');
    pipeline.transport.last.answer(503);
    await pipeline.advance(20);
    pipeline.transport.last.connect();
    return client;
  },
  'streams its answer': (pipeline) => {
    const client = pipeline.request('PUT', upload);
    pipeline.transport.last.connect();
    client.send('abc');
    pipeline.transport.last.head(200);
    pipeline.transport.last.data('o');
    return client;
  },
};

/** What can happen to it. */
const blows: Readonly<Record<string, (pipeline: Pipeline, client: FakeClient) => Promise<void> | void>> = {
  'its client leaves': (_pipeline, client) => client.leave(),
  'its body breaks off': (_pipeline, client) => client.break(),
  'its time for everything runs out': (pipeline) => pipeline.advance(4000),
  'the breaker is forced open': (pipeline) => {
    pipeline.registry.force('u', 'open', 600_000);
    return pipeline.advance(4000);
  },
};

for (const [stage, reach] of Object.entries(stages)) {
  for (const [blow, strike] of Object.entries(blows)) {
    test(`a request that ${stage} when ${blow} ends once and gives everything back`, async () => {
      const pipeline = new Pipeline({
        endpoints: ['127.0.0.1:1', '127.0.0.1:2'],
        bulkhead: { concurrency: 1, queue: 1, queueTimeout: '3s' },
        timeout: { total: '3s', idle: '60s', body: '3900ms' },
        retry: { backoff: { base: '20ms', max: '20ms' } },
      });
      const client = await reach(pipeline);

      await strike(pipeline, client);
      await pipeline.advance(3_600_000);

      assert.ok(client.status > 0 || client.state === 'destroyed', 'the client has its answer or is cut');
      assert.equal(pipeline.log.length, pipeline.requests);
      assert.deepEqual(pipeline.held, nothing);
      assert.equal(pipeline.clock.pendingTimers, 0, 'no timer is left');
    });
  }
}

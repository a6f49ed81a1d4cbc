import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { type Metrics, scrape } from '../rig/metrics.ts';
import { nodeScript, startExec } from './exec-process.ts';

/** The rows of the table below its head, which stands behind what was logged: the figures by the name before them. */
const rowsIn = (stderr: string): Map<string, string[]> => {
  const [head = '', ...rows] = stderr.slice(stderr.indexOf('outrigger:')).trimEnd().split('\n');
  assert.match(head, /^outrigger: +calls +failed +refused +fallback +retries +open$/);
  for (const row of rows) assert.equal(row.length, head.length, 'the columns are aligned');
  return new Map(rows.map((row) => [row.split(/ {2,}/)[0]!, row.split(/ {2,}/).slice(1)]));
};

/** The same figures, as the metrics have them. */
const countedIn = (metrics: Metrics, upstream: string, route = ''): string[] => {
  const labels = { upstream, route };
  const requests = (outcome: string) => metrics.sum('requests_total', { ...labels, outcome });
  const figures = [metrics.sum('requests_total', labels), requests('failure'), requests('rejected')];
  return [...figures, requests('fallback'), metrics.sum('retries_total', labels)].map(String);
};

/** Calls these URLs, one after the other and each so often, says where the admin interface is, and waits for SIGUSR2. */
const calling = (calls: readonly (readonly [url: string, times: number])[]) => `
  const calls = ${JSON.stringify(calls)};
  process.on('SIGUSR2', () => process.exit(0));
  setInterval(() => {}, 1000);
  const main = async () => {
    for (const [url, times] of calls) {
      for (let i = 0; i < times; i += 1) await fetch(url).then((answer) => answer.text());
    }
    console.log('called', process.env.OUTRIGGER_ADMIN + '.');
  };
  main();
`;

test('the summary has the counts of the metrics, to the unit', async (t) => {
  const good = await startHttpUpstream(t);
  let asked = 0;
  const flaky = await startHttpUpstream(t, (_call, response) => {
    asked += 1;
    response.writeHead(asked % 3 === 0 ? 503 : 200).end();
  });
  const dead = await startHttpUpstream(t, (_call, response) => response.writeHead(500).end());
  const config = {
    egress: { unlisted: 'allow' },
    upstreams: {
      flaky: { hosts: ['flaky.test'], endpoints: [flaky.address] },
      reviews: {
        hosts: ['reviews.test'],
        endpoints: [dead.address],
        breaker: { volume: 5, sleep: '1h' },
        routes: [
          { name: 'ratings', match: { path: '/ratings' }, fallback: { on: ['circuit_open'], body: '[]' } },
        ],
      },
      // Once an upstream is called by this name, the program's calls to it go through the proxy.
      unused: { hosts: ['localhost:9'], endpoints: ['127.0.0.1:9'] },
    },
  };
  const script = calling([
    ['http://flaky.test/', 20],
    ['http://reviews.test/', 8],
    ['http://reviews.test/ratings', 9],
    [`http://localhost:${good.port}/`, 3],
  ]);
  const started = startExec(t, nodeScript(script), { config });
  const [, admin = ''] =
    /called 127\.0\.0\.1:(\d+)\./.exec(await started.untilWritten(/called .*\.\n/)) ?? [];
  const metrics = await scrape({ host: '127.0.0.1', port: Number(admin) });
  started.child.kill('SIGUSR2');
  const { code, stderr } = await started.finished;

  assert.equal(code, 0);
  const rows = rowsIn(stderr);
  const figuresOf = (command: string) => rows.get(command)?.slice(0, -1);
  assert.deepEqual([...rows.keys()], ['flaky', `localhost:${good.port}`, 'reviews', 'reviews.ratings']);
  assert.deepEqual(figuresOf('flaky'), countedIn(metrics, 'flaky'));
  assert.deepEqual(figuresOf('reviews'), countedIn(metrics, 'reviews'));
  assert.deepEqual(figuresOf('reviews.ratings'), countedIn(metrics, 'reviews', 'ratings'));
  assert.deepEqual(figuresOf(`localhost:${good.port}`), countedIn(metrics, 'unlisted'));
  // What these calls must have come to, counted by hand.
  assert.equal(rows.get('flaky')?.[0], '20');
  assert.notEqual(rows.get('flaky')?.[4], '0');
  assert.deepEqual(figuresOf('reviews'), ['8', '5', '3', '0', '0']);
  assert.deepEqual(figuresOf('reviews.ratings'), ['9', '5', '0', '4', '0']);
  assert.deepEqual(rows.get(`localhost:${good.port}`), ['3', '0', '0', '0', '0', '-']);
  assert.match(rows.get('reviews')!.at(-1)!, /^\d+\.\d s$/);
  assert.equal(rows.get('flaky')!.at(-1), '-');
});

test('a call that is under way when the program ends is counted', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  t.after(() => held.release());
  const config = { upstreams: { held: { hosts: ['held.test'], endpoints: [upstream.address] } } };
  const started = startExec(t, nodeScript(calling([['http://held.test/', 1]])), { config });
  await Promise.race([upstream.hasBegun(1), started.finished]);
  started.child.kill('SIGUSR2');
  const { stderr } = await started.finished;
  assert.deepEqual(rowsIn(stderr).get('held')?.slice(0, -1), ['1', '0', '0', '0', '0']);
});

test('calls that found no destination have a row of their own', async (t) => {
  const config = { egress: { unlisted: 'deny' } };
  const started = startExec(t, nodeScript(calling([['http://nobody.test/', 2]])), { config });
  await started.untilWritten(/called/);
  started.child.kill('SIGUSR2');
  assert.deepEqual(rowsIn((await started.finished).stderr).get('(no destination)'), [
    '2',
    '0',
    '2',
    '0',
    '0',
    '-',
  ]);
});

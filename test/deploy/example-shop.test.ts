import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { type ExampleShop, startExampleShop } from './example-shop.ts';

const patienceMs = 20_000;

/** Visits until a page has stars, or none. A busy machine may be slower than the timeouts of the example. */
const untilStarsAre = ({ visit }: ExampleShop, stars: number | null): Promise<void> =>
  eventually(
    `a page with ${stars} stars`,
    async () => {
      const { status, page } = await visit();
      assert.equal(status, 200);
      return page.reviews?.stars === stars;
    },
    patienceMs,
  );

test('pages of the example have stars; when ratings breaks, the breaker opens and pages come without', async (t) => {
  const shop = await startExampleShop(t);
  const { sidecarOfReviews: sidecar } = shop;
  await untilStarsAre(shop, 4);

  await shop.tellRatings('error');
  const isOpen = async (): Promise<boolean> => {
    await untilStarsAre(shop, null);
    return (await sidecar.breaker('ratings'))['state'] === 'open';
  };
  await eventually('the breaker opens', isOpen, patienceMs);

  const refusals = (): Promise<number> =>
    sidecar.metric('rejected_total', { upstream: 'ratings', reason: 'circuit_open' });
  const before = await refusals();
  const isLeftInPeace = async (): Promise<boolean> => {
    await untilStarsAre(shop, null);
    return (await refusals()) > before;
  };
  await eventually('ratings is left in peace', isLeftInPeace, patienceMs);
});

test('a service of the example that is too slow costs its part of the page, and no more', async (t) => {
  const shop = await startExampleShop(t);
  await untilStarsAre(shop, 4);
  await shop.tellRatings('slow');
  await untilStarsAre(shop, null);
  const timeouts = { upstream: 'ratings', reason: 'attempt_timeout' };
  assert.ok((await shop.sidecarOfReviews.metric('attempts_total', timeouts)) > 0);
});

test('a breaker of the example that is forced closed lets everything through', async (t) => {
  const shop = await startExampleShop(t);
  const { admin } = shop.sidecarOfReviews;
  const force = async (how: 'open' | 'closed'): Promise<void> => {
    const result = await makeCaller(t, admin).call({
      method: 'POST',
      path: '/breakers/ratings',
      host: 'localhost',
      headers: { 'content-type': 'application/json', 'x-outrigger-admin': '1' },
      body: JSON.stringify({ force: how, ttl: '10m' }),
    });
    assert.equal(statusOrCode(result), 200);
  };
  await untilStarsAre(shop, 4);
  await force('open');
  await untilStarsAre(shop, null);
  await force('closed');
  await untilStarsAre(shop, 4);
});

test('the front page of the example has visitors of its own', async (t) => {
  const { sidecarOfReviews } = await startExampleShop(t, 20);
  const hasCalls = async (): Promise<boolean> =>
    (await sidecarOfReviews.metric('requests_total', { upstream: 'ratings' })) > 2;
  await eventually('visitors lead to calls of ratings', hasCalls, patienceMs);
});

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

/** A sidecar with one upstream, `reviews`, that answers, and the dashboard before it. */
const startReviews = async (context: TestContext, place = '') => {
  const upstream = await startHttpUpstream(context);
  const sidecar = await startSidecarProcess(context, {
    upstreams: { reviews: { hosts: ['reviews.test'], endpoints: [upstream.address] } },
  });
  const caller = makeCaller(context, sidecar.egress);
  const call = async () => statusOrCode(await caller.call({ host: 'reviews.test' }));
  const dashboard = await openDashboard(context, await browser(), sidecar.admin, { place });
  return { upstream, call, dashboard, page: dashboard.page, detail: dashboard.detail };
};

test(
  'a breaker is forced open and let go by the keyboard alone, and the app feels it',
  needsBrowser,
  async (context) => {
    const { upstream, call, dashboard, page, detail } = await startReviews(context);
    await dashboard.card('reviews').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await detail.getByRole('button', { name: 'Force open…' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.textContent === 'Force open?');
    const question = await detail.locator('form').innerText();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowUp');
    await detail.getByText(/refused at once for 10 minutes/).waitFor();
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    await page.keyboard.press('Enter');
    await dashboard.card('reviews', 'forced-open').waitFor({ state: 'attached' });
    await detail
      .locator('.state')
      .getByText(/by hand, for (10|9) min/)
      .waitFor();
    const refused = await call();
    const sent = upstream.begun;

    await detail.getByRole('button', { name: 'Lift now…' }).focus();
    await page.keyboard.press('Enter');
    await detail.getByText('decides again by itself').waitFor();
    await detail.getByRole('button', { name: 'Back to automatic' }).focus();
    await page.keyboard.press('Enter');
    await dashboard.card('reviews', 'closed').waitFor({ state: 'attached' });
    const answered = await call();

    assert.match(question, /Every call to reviews will be refused at once for 1 hour/);
    assert.equal(focused, 'Force open');
    assert.equal(refused, 503);
    assert.equal(sent, 0);
    assert.equal(answered, 200);
    assert.deepEqual(dashboard.complaints, []);
  },
);

test(
  'an override of a length of its own ends by itself, and a length that is none is refused with words',
  needsBrowser,
  async (context) => {
    const { call, dashboard, page, detail } = await startReviews(context, '#/reviews');
    await detail.getByRole('button', { name: 'Force closed…' }).click();
    await detail.getByText('nobody is protected').waitFor();
    await detail.getByRole('button', { name: 'Leave it as it is' }).click();
    await detail.getByRole('button', { name: 'Force open…' }).click();
    await detail.getByLabel('other…').check();
    const length = detail.getByLabel('As a duration, such as 1h30m');
    await length.fill('soon');
    await detail.getByRole('button', { name: 'Force open', exact: true }).click();
    await detail.getByRole('alert').getByText('Write the duration as').waitFor();
    const before = await call();

    await length.fill('2s');
    await detail.getByText('refused at once for 2s').waitFor();
    await detail.getByRole('button', { name: 'Force open', exact: true }).click();
    await dashboard.card('reviews', 'forced-open').waitFor({ state: 'attached' });
    await dashboard.card('reviews', 'closed').waitFor({ state: 'attached' });
    const afterwards = await call();
    await page.locator('.incidents').getByText('its time is over').waitFor({ state: 'attached' });

    assert.equal(before, 200);
    assert.equal(afterwards, 200);
    assert.deepEqual(dashboard.complaints, []);
  },
);

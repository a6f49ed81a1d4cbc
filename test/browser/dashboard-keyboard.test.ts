import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

test(
  'the keyboard reaches the filter, the cards, their detail and the way back',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context);
    const sidecar = await startSidecarProcess(context, {
      upstreams: {
        stock: { hosts: ['stock.test'], endpoints: [upstream.address] },
        reviews: { hosts: ['reviews.test'], endpoints: [upstream.address] },
      },
    });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    const { page, detail } = dashboard;
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    await dashboard.card('stock').waitFor();

    await page.keyboard.press('Tab');
    const first = await focused();
    await page.keyboard.press('/');
    await page.keyboard.type('stock');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 1);
    const filtered = await page.getByRole('searchbox').inputValue();
    await page.keyboard.press('Tab');
    const card = await focused();
    await page.keyboard.press('Enter');
    await detail.getByRole('heading', { name: 'Policy' }).waitFor();
    const isInside = await page.evaluate(() => document.activeElement?.closest('dialog') !== null);
    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
    const back = await focused();
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 2);

    assert.equal(first, 'Skip to the commands');
    assert.equal(filtered, 'stock');
    assert.equal(card, 'stock');
    assert.equal(isInside, true);
    assert.equal(back, 'stock');
    assert.deepEqual(dashboard.complaints, []);
  },
);

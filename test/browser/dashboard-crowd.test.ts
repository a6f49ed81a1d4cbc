import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

const nameOf = (index: number): string => `route-${String(index).padStart(3, '0')}`;

test(
  'of five hundred commands all can be found, and a tick costs only the cards on the screen that changed',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context);
    const names = Array.from({ length: 500 }, (_, index) => nameOf(index));
    const sidecar = await startSidecarProcess(context, {
      upstreams: Object.fromEntries(
        names.map((name) => [name, { hosts: [`${name}.test`], endpoints: [upstream.address] }]),
      ),
    });
    const caller = makeCaller(context, sidecar.egress);
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    const { page } = dashboard;
    await dashboard.card('route-000').locator('canvas').waitFor();
    const cards = await page.locator('.card').count();
    const charts = await page.locator('.card canvas').count();
    const visibility = await dashboard
      .card('route-499')
      .evaluate((card) => getComputedStyle(card).contentVisibility);

    // Cards whose text or elements changed, until one shows that it was called.
    await page.evaluate(() => {
      const changed = new Set<string>();
      Object.assign(window, { changed });
      new MutationObserver((mutations) => {
        for (const { target } of mutations) {
          const element = target instanceof Element ? target : target.parentElement;
          const name = element?.closest('.card')?.querySelector('h3')?.textContent;
          if (name !== undefined && name !== null) changed.add(name);
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await caller.call({ host: 'route-001.test' });
    // The rate, and not the peak of its line, which may say the same by then.
    await dashboard.card('route-001').getByRole('definition').filter({ hasText: '0.1/s' }).waitFor();
    const changed = await page.evaluate(() => [...(window as unknown as { changed: Set<string> }).changed]);

    await dashboard.card('route-499').scrollIntoViewIfNeeded();
    await dashboard.card('route-499').locator('canvas').waitFor();
    await page.getByRole('searchbox').fill('-42');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 10);
    await page.getByRole('searchbox').fill('');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 500);

    assert.equal(cards, 500);
    assert.ok(charts > 0 && charts < 60, `${charts} charts`);
    assert.equal(visibility, 'auto');
    assert.deepEqual(changed, ['route-001']);
    assert.deepEqual(dashboard.complaints, []);
  },
);

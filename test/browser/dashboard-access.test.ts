import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard, unexpected } from './dashboard-page.ts';

const browser = shareBrowser({ after });

/** The serious and critical findings of axe, each with what it points at. */
const findings = async (page: Page): Promise<string[]> => {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
};

/** By how many pixels the page, or the panel over it, is wider than the screen. */
const overhang = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const boxes = [document.documentElement, ...document.querySelectorAll('dialog')];
    return Math.max(...boxes.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
  });

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const looks: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', phone],
];

for (const [look, options] of looks) {
  test(
    `axe finds nothing serious, and nothing hangs over the edge: ${look}`,
    needsBrowser,
    async (context) => {
      const bad = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
      const upstream = {
        endpoints: [bad.address],
        retry: { attempts: 1 },
        breaker: { volume: 3, sleep: '10m' },
      };
      const sidecar = await startSidecarProcess(context, {
        admin: { token: 'the-right-token' },
        upstreams: {
          broken: { hosts: ['broken.test'], ...upstream },
          'a-rather-long-name-of-a-service-in-another-namespace': { ...upstream, hosts: ['calm.test'] },
        },
      });
      const caller = makeCaller(context, sidecar.egress);
      for (let i = 0; i < 3; i += 1) await caller.call({ host: 'broken.test' });
      const dashboard = await openDashboard(context, await browser(), sidecar.admin, { browser: options });
      const { page, detail } = dashboard;
      const found: string[] = [];
      const look = async (place: string) => {
        found.push(...(await findings(page)).map((finding) => `${place}: ${finding}`));
        const wide = await overhang(page);
        if (wide > 0) found.push(`${place}: ${wide} pixels too wide`);
      };

      await look('sign-in');
      await page.getByLabel('Admin token').fill('the-right-token');
      await page.keyboard.press('Enter');
      await dashboard.card('broken', 'open').waitFor();
      await look('grid');
      await page.getByRole('link', { name: 'broken', exact: true }).first().click();
      await detail.getByRole('heading', { name: 'Policy' }).waitFor();
      await look('detail');
      await detail.getByRole('button', { name: 'Force closed…' }).click();
      await detail.getByText('nobody is protected').waitFor();
      await look('confirmation');
      await sidecar.stop();
      await dashboard.stream('stream lost').waitFor({ state: 'attached' });
      await look('lost');

      assert.deepEqual(found, []);
      assert.deepEqual(
        unexpected(dashboard.complaints, /^error: Failed to load resource: (.*401|net::ERR_)/),
        [],
      );
    },
  );
}

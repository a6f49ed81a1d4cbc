import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

test(
  'a click on a card tells the last 50 changes, the counters, each endpoint, and the line of each value',
  needsBrowser,
  async (context) => {
    const one = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
    const two = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
    const sidecar = await startSidecarProcess(context, {
      upstreams: {
        reviews: {
          hosts: ['reviews.test'],
          endpoints: [one.address, two.address],
          retry: { attempts: 1 },
          breaker: { volume: 3, sleep: '1ms' },
        },
      },
    });
    const caller = makeCaller(context, sidecar.egress);
    const begun = () => one.begun + two.begun;
    // Three failures trip it; from then on every probe that fails is two changes more.
    while (begun() < 40) await caller.call({ host: 'reviews.test' });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    const { page, detail } = dashboard;
    await dashboard.card('reviews').getByRole('link').click();
    const changes = detail.locator('.changes li');
    await changes.first().waitFor();
    const texts = await changes.allInnerTexts();
    const endpoints = await detail
      .getByRole('table', { name: /^Endpoints of/ })
      .getByRole('row')
      .allInnerTexts();
    const attempts = endpoints.slice(1).map((row) => Number(row.split('\t')[3]));
    const counters = await detail.locator('.counts').allInnerTexts();
    const volume = detail
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: 'breaker.volume' }) });
    const written = await volume.innerText();
    const line = 1 + sidecar.configText.split('\n').findIndex((text) => text.includes('"volume"'));
    const address = page.url();
    await detail.getByRole('button', { name: 'Close', exact: true }).click();
    await detail.waitFor({ state: 'detached' });

    assert.equal(texts.length, 50);
    for (const text of texts) assert.match(text, /(half-open → open|open → half-open)[\s\S]*\S{3,}/);
    assert.equal(endpoints.length, 3);
    assert.equal(
      attempts.reduce((sum, number) => sum + number, 0),
      begun(),
    );
    assert.ok(
      counters.some((text) => /failure 500\s+40/.test(text)),
      counters.join('\n'),
    );
    assert.match(written, new RegExp(`\\b3\\b.*upstream.*outrigger\\.json:${line}:`, 's'));
    assert.ok(address.endsWith('#/reviews'), address);
    // What the test is told of it may come after the panel has gone.
    await page.waitForURL((url) => url.hash === '');
    assert.deepEqual(dashboard.complaints, []);
  },
);

test(
  'the address of a command that is not there says so, and lets the page be used',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context);
    const sidecar = await startSidecarProcess(context, {
      upstreams: { reviews: { hosts: ['reviews.test'], endpoints: [upstream.address] } },
    });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin, { place: '#/nobody' });
    await dashboard.detail.getByText('There is no command of this name now').waitFor();
    await dashboard.page.keyboard.press('Escape');
    await dashboard.detail.waitFor({ state: 'detached' });
    await dashboard.card('reviews').getByRole('link').click();
    await dashboard.detail.getByRole('heading', { name: 'Policy' }).waitFor();

    assert.deepEqual(dashboard.complaints, []);
  },
);

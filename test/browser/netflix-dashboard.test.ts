import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { needsBrowser, openBrowser, openPage } from '../rig/browser.ts';
import { HttpCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startNetflixDashboard } from '../rig/netflix-dashboard-server.ts';
import { startSidecar } from '../rig/sidecar.ts';

/** The card of a command: its words and figures as they are on the screen. */
const cardOf = (page: Page, name: string) =>
  page.evaluate((wanted) => {
    const cards = [...document.querySelectorAll('#dependencies_0 div.monitor')];
    const card = cards.find((one) => one.querySelector('.name')?.textContent?.includes(wanted));
    const textOf = (selector: string) => card?.querySelector(selector)?.textContent?.trim() ?? '';
    return {
      circuit: textOf('.circuitStatus'),
      success: textOf('.line.success, .success'),
      failure: textOf('.failure'),
      shortCircuited: textOf('.shortCircuited'),
      errorPercentage: textOf('.errorPercentage'),
      fill: card?.querySelector('circle')?.getAttribute('fill') ?? card?.querySelector('circle')?.style.fill,
      radius: Number(card?.querySelector('circle')?.getAttribute('r') ?? 0),
      text: card?.textContent ?? '',
    };
  }, name);

/** Waits until the circle of the first command has another colour than this; it turns into it slowly. */
const untilOtherColour = (page: Page, colour: string | undefined) =>
  page.waitForFunction((before) => {
    const circle = document.querySelector('#dependencies_0 circle') as SVGElement | null;
    return circle !== null && (circle.getAttribute('fill') ?? circle.style.fill) !== before;
  }, colour);

/** Waits until the circuit of a command is shown so. */
const untilCircuit = (page: Page, name: string, wanted: string) =>
  page.waitForFunction(
    ([command, words]) =>
      [...document.querySelectorAll('#dependencies_0 div.monitor')].some(
        (card) =>
          card.querySelector('.name')?.textContent?.includes(command!) === true &&
          card.querySelector('.circuitStatus')?.textContent?.includes(words!) === true,
      ),
    [name, wanted],
    { timeout: 15_000 },
  );

test(
  "Netflix's own dashboard draws every command and pool, and shows a breaker open and close",
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context, (_call, response) => response.end('fine'));
    const sidecar = await startSidecar(context, {
      upstreams: {
        reviews: {
          hosts: ['reviews.test'],
          endpoints: [upstream.address],
          retry: { attempts: 1 },
          breaker: { volume: 5, sleep: '500ms' },
          routes: [{ name: 'ratings', match: { path: '/ratings/*' } }],
        },
        stock: { hosts: ['stock.test'], endpoints: [upstream.address], bulkhead: { queue: 0 } },
      },
    });
    const caller = new HttpCaller(sidecar.egress);
    context.after(() => caller.close());
    const call = (host: string, path = '/') => caller.call({ host, path });
    const { page, complaints } = await openPage(await openBrowser(context));
    await page.goto(await startNetflixDashboard(context, sidecar.admin));
    // The page loads its templates while the stream runs already, and complains of events that come before them.
    await page.waitForFunction(() => document.querySelectorAll('#dependencies_0 div.monitor').length === 3);
    await page.waitForFunction(
      () => document.querySelectorAll('#dependencyThreadPools_0 div.monitor').length === 2,
    );
    complaints.length = 0;

    for (let i = 0; i < 10; i += 1) await call('reviews.test');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('#dependencies_0 div.monitor')].some((card) =>
        /\b10\b/.test(card.textContent ?? ''),
      ),
    );
    const healthy = await cardOf(page, 'reviews');

    upstream.answer = (_call, response) => response.writeHead(500).end();
    for (let i = 0; i < 30; i += 1) await call('reviews.test');
    await untilCircuit(page, 'reviews', 'Open');
    await page.waitForFunction(() =>
      [...document.querySelectorAll('#dependencies_0 .shortCircuited')].some(
        (one) => Number(one.textContent) >= 10,
      ),
    );
    await untilOtherColour(page, healthy.fill);
    const broken = await cardOf(page, 'reviews');

    upstream.answer = (_call, response) => response.end('fine again');
    while ((await sidecar.breaker('reviews'))['state'] !== 'closed') await call('reviews.test');
    await untilCircuit(page, 'reviews', 'Closed');
    const texts = await page.evaluate(() => document.body.innerText);

    assert.match(healthy.circuit, /Closed/);
    assert.match(healthy.success, /10/);
    assert.ok(healthy.radius > 0);
    assert.match(broken.circuit, /Open/);
    assert.ok(Number(broken.shortCircuited) >= 10, broken.shortCircuited);
    assert.ok(Number(broken.failure) >= 5, broken.failure);
    assert.doesNotMatch(texts, /NaN|undefined/);
    assert.deepEqual(complaints, []);
  },
);

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

/**
 * Writes down in the page, in the order in which it happens: each event of the stream, and each condition that the first
 * card is shown in.
 */
const keepDiary = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const diary: string[] = [];
    Object.assign(window, { diary });
    window.EventSource = class extends EventSource {
      constructor(url: string | URL) {
        super(url);
        for (const kind of ['snapshot', 'tick', 'transition']) {
          this.addEventListener(kind, () => diary.push(kind));
        }
      }
    };
    let before = '';
    new MutationObserver(() => {
      const shown = document.querySelector('.card')?.className ?? '';
      if (shown !== before) diary.push(shown);
      before = shown;
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });

/** What stands in the diary after an entry up to the next tick; null while that tick has not come. */
const diaryAfter = (page: Page, entry: string, number: number): Promise<string[]> =>
  page
    .waitForFunction(
      ([wanted, count]) => {
        const { diary } = window as unknown as { diary: string[] };
        const from = diary.map((_, index) => index).filter((index) => diary[index] === wanted)[count - 1];
        const to = from === undefined ? -1 : diary.indexOf('tick', from);
        return from === undefined || to < 0 ? null : diary.slice(from + 1, to);
      },
      [entry, number] as const,
    )
    .then((handle) => handle.jsonValue() as Promise<string[]>);

const failing = (_call: unknown, response: { writeHead(status: number): { end(): unknown } }) =>
  response.writeHead(500).end();

test(
  'each state of a breaker is shown when it comes, before the next tick, in word, shape and colour',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context, failing);
    const sidecar = await startSidecarProcess(context, {
      upstreams: {
        reviews: {
          hosts: ['reviews.test'],
          endpoints: [upstream.address],
          retry: { attempts: 1 },
          breaker: { volume: 5, sleep: '1500ms' },
        },
      },
    });
    const caller = makeCaller(context, sidecar.egress);
    const call = () => caller.call({ host: 'reviews.test' });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin, { prepare: keepDiary });
    const shape = (condition: string) =>
      dashboard.card('reviews', condition).locator('.badge svg path').first();

    // Its chart is drawn once the card follows the stream.
    await dashboard.card('reviews', 'closed').locator('canvas').waitFor();
    for (let i = 0; i < 5; i += 1) await call();
    const tripped = await diaryAfter(dashboard.page, 'transition', 1);
    const open = dashboard.card('reviews', 'open');
    const word = await open.locator('.badge').innerText();
    await open.getByText(/next probe in \d+ s|the next request is the probe/).waitFor();
    const octagon = await shape('open').getAttribute('d');
    const title = await dashboard.page.title();

    const held = new Held();
    upstream.answer = held.answer;
    await dashboard.card('reviews', 'open').getByText('the next request is the probe').waitFor();
    const probe = call();
    const halfOpened = await diaryAfter(dashboard.page, 'transition', 2);
    const halfOpen = dashboard.card('reviews', 'half-open');
    const halfWord = await halfOpen.locator('.badge').innerText();
    await halfOpen.getByText('one under way').waitFor();
    const diamond = await shape('half-open').getAttribute('d');

    held.release();
    await probe;
    const closed = await diaryAfter(dashboard.page, 'transition', 3);
    await dashboard.card('reviews', 'closed').waitFor();
    const why = await dashboard.card('reviews').locator('.why').count();
    const incidents = await dashboard.page.locator('.incidents li').count();

    assert.deepEqual(tripped, ['card is-open']);
    assert.equal(word, 'open');
    assert.match(title, /1 open/);
    assert.deepEqual(halfOpened, ['card is-half-open']);
    assert.equal(halfWord, 'half-open');
    assert.notEqual(octagon, diamond);
    assert.deepEqual(closed, ['card is-closed']);
    assert.equal(why, 0);
    assert.equal(incidents, 3);
    assert.deepEqual(dashboard.complaints, []);
  },
);

test(
  'what hurts comes first: open, then the most errors; what does not hurt stands by its name',
  needsBrowser,
  async (context) => {
    const good = await startHttpUpstream(context);
    const bad = await startHttpUpstream(context, failing);
    const upstream = (name: string, endpoint: string, volume: number) => ({
      hosts: [`${name}.test`],
      endpoints: [endpoint],
      retry: { attempts: 1 },
      breaker: { volume, sleep: '1m' },
    });
    const sidecar = await startSidecarProcess(context, {
      upstreams: {
        'a-calm': upstream('a-calm', good.address, 5),
        'b-busy': upstream('b-busy', good.address, 5),
        'c-failing': upstream('c-failing', bad.address, 100_000),
        'd-open': upstream('d-open', bad.address, 5),
      },
    });
    const caller = makeCaller(context, sidecar.egress);
    const calls = async (name: string, count: number) => {
      for (let i = 0; i < count; i += 1) await caller.call({ host: `${name}.test` });
    };
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    await dashboard.card('a-calm').waitFor();
    await calls('d-open', 5);
    const wanted = ['d-open', 'c-failing', 'a-calm', 'b-busy'];
    // As long as it takes, since rates are those of the last ten seconds.
    await eventually('the cards are in order', async () => {
      await calls('b-busy', 6);
      await calls('c-failing', 2);
      await calls('a-calm', 1);
      return (await dashboard.names()).join() === wanted.join();
    });
    const { page } = dashboard;
    await page.getByRole('button', { name: 'open 1', exact: true }).click();
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 1);
    const openOnes = await dashboard.names();
    await page.getByRole('button', { name: 'open 1', exact: true }).click();
    await page.getByRole('searchbox').fill('A');
    await page.waitForFunction(() => document.querySelectorAll('.card').length === 2);
    const named = await dashboard.names();
    await page.getByRole('searchbox').fill('nobody');
    await page.getByText('No command matches').waitFor();
    await page.getByRole('button', { name: 'Show all' }).click();
    await dashboard.card('b-busy').waitFor();

    assert.deepEqual(openOnes, ['d-open']);
    assert.deepEqual(named.toSorted(), ['a-calm', 'c-failing']);
    assert.equal(await dashboard.page.locator('.card').count(), 4);
    assert.deepEqual(dashboard.complaints, []);
  },
);

test(
  'a dashboard without a command says how to begin, and shows the first destination by itself',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context);
    const sidecar = await startSidecarProcess(context, { egress: { unlisted: 'allow' } });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    await dashboard.page.getByRole('heading', { name: 'Nothing has been called yet' }).waitFor();
    const advice = await dashboard.page.locator('main').innerText();

    await makeCaller(context, sidecar.egress).call({ host: upstream.address });
    await dashboard.card(upstream.address, 'closed').waitFor();

    assert.ok(advice.includes(`curl -x http://127.0.0.1:${sidecar.egress.port}`), advice);
    assert.deepEqual(dashboard.complaints, []);
  },
);

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Incident } from '../../src/board/stream-events.ts';
import { commandPicture, snapshotEvent, upstreamPicture } from '../board/board-fixture.ts';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard } from './dashboard-page.ts';

const browser = shareBrowser({ after });

const hostile = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  `' onmouseover='alert(1)`,
  'a\\b\\u003cimg',
  '{{alert(1)}}',
  'javascript:alert(1)',
  'constructor',
  '__proto__',
  'right\u202eto\u202dleft',
  '\u05e9\u05dc\u05d5\u05dd:80',
  'a/b?c#d%2Fe%',
  '..:80',
  'long'.repeat(200),
];

/** A stream of one snapshot in which every text is as hostile as the names are. */
const streamOfHostile = (): string => {
  const commands = hostile.map((name, index) =>
    commandPicture(name, {
      upstream: name,
      state: index % 2 === 0 ? 'open' : 'closed',
      why: hostile[(index + 1) % hostile.length]!,
      nextProbeAtMs: 1e9,
    }),
  );
  const upstreams = hostile.map((name) => upstreamPicture(name));
  const recent = hostile.map((command, index) => ({
    number: index + 1,
    incident: {
      kind: 'transition',
      at: 1_800_000_000_000,
      command,
      from: 'closed',
      to: 'open',
      why: command,
      forcedBy: null,
      counts: { total: 1, errors: 1, slow: 0 },
    } satisfies Incident,
  }));
  const snapshot = JSON.stringify(snapshotEvent(commands, { upstreams, recent }));
  return `retry: 600000\nevent: snapshot\nid: outrigger-abc123-99\ndata: ${snapshot}\n\n`;
};

/** Answers in the sidecar's stead; keeps the paths that were asked for. */
const pretend = async (page: Page, asked: string[]): Promise<void> => {
  await page.route('**/events', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: streamOfHostile() }),
  );
  await page.route('**/breakers/**', (route) => {
    asked.push(new URL(route.request().url()).pathname);
    return route.fulfill({
      json: {
        limits: { volume: 1, errorPercent: 50, slowerThanMs: null, slowPercent: 50, sleepMs: 1 },
        transitions: [],
        counters: null,
        policy: hostile.map((text) => ({ key: text, value: text, layer: 'upstream', place: text })),
      },
    });
  });
};

test(
  'hostile names are shown as they are written, do nothing, and lead to their detail',
  needsBrowser,
  async (context) => {
    const sidecar = await startSidecarProcess(context, {});
    const asked: string[] = [];
    const dashboard = await openDashboard(context, await browser(), sidecar.admin, {
      browser: { viewport: { width: 1200, height: 900 } },
      prepare: (page) => pretend(page, asked),
    });
    const { page, detail } = dashboard;
    page.on('dialog', (dialog) => {
      dashboard.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.waitForFunction(
      (count) => document.querySelectorAll('.card').length === count,
      hostile.length,
    );
    const names = await dashboard.names();
    const titles: string[] = [];
    for (const name of hostile) {
      // As soon as it is there: cards are drawn anew with each tick.
      await page.waitForFunction((wanted) => {
        const links = [...document.querySelectorAll<HTMLAnchorElement>('.card h3 a')];
        const link = links.find(({ textContent }) => textContent === wanted);
        link?.click();
        return link !== undefined;
      }, name);
      await detail.getByRole('heading', { name: 'Policy' }).waitFor();
      titles.push((await detail.locator('#detail-title bdi').textContent()) ?? '');
      await page.keyboard.press('Escape');
      await detail.waitFor({ state: 'detached' });
    }
    const strange = await page.evaluate(
      () => document.querySelectorAll('.page img, .page script, [onerror], [onmouseover]').length,
    );
    const isolated = await page.evaluate(() =>
      [...document.querySelectorAll('.card h3 a')].every(
        ({ firstElementChild }) => firstElementChild?.tagName === 'BDI',
      ),
    );
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

    assert.deepEqual(names.toSorted(), hostile.toSorted());
    assert.deepEqual(titles, hostile);
    assert.ok(asked.includes('/breakers/a%2Fb%3Fc%23d%252Fe%25'), asked.join('\n'));
    assert.equal(strange, 0);
    assert.equal(isolated, true);
    assert.equal(tooWide, false);
    assert.deepEqual(dashboard.complaints, []);
  },
);

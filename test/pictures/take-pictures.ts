/**
 * The pictures of the README and the pages: the dashboard of the real program while the demo's shop is in trouble. Run by
 * hand (`npm run pictures`, about four minutes), and look at them before they are kept.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { OutriggerProcess } from '../cli/outrigger-process.ts';
import { openBrowser, openPage } from '../rig/browser.ts';

/** One picture, and the browser that it is taken in. */
interface Picture {
  readonly file: string;
  readonly options: BrowserContextOptions;
  /** Which part of the page it shows, as its address says it. */
  readonly place?: string;
}

const folder = join(import.meta.dirname, '../../docs/pictures');

/** More would be felt in every clone. */
const maxBytes = 300 * 1024;

const wide = { viewport: { width: 1440, height: 960 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const pictures: readonly Picture[] = [
  { file: 'dashboard.png', options: { ...wide, colorScheme: 'light' } },
  { file: 'dashboard-dark.png', options: { ...wide, colorScheme: 'dark' } },
  { file: 'dashboard-phone.png', options: { ...phone, colorScheme: 'light' } },
  { file: 'dashboard-detail.png', options: { ...wide, colorScheme: 'light' }, place: '#/reviews' },
];

/** Opens the page; resolves with what takes the picture when the moment has come. */
const prepare = async (browser: Browser, url: string, { file, options, place = '' }: Picture) => {
  const { page } = await openPage(browser, options);
  await page.goto(`${url}${place}`);
  return async (): Promise<void> => {
    // The worst come first, and two are open; the page may be a tick behind.
    await page.locator('.card:first-child.is-open + .card.is-open').waitFor();
    const path = join(folder, file);
    await page.screenshot({ path, animations: 'disabled' });
    const { size } = statSync(path);
    process.stdout.write(`${file}: ${Math.ceil(size / 1024)} KiB\n`);
    if (size > maxBytes) throw new Error(`${file} is larger than ${maxBytes} bytes`);
  };
};

/**
 * Well into the outage of the second round: the charts of the last two minutes then hold every other scenario, and
 * nothing of the start.
 */
const moment = /(?:outage: reviews is dead[\s\S]*){2}half_open -> open[\s\S]*half_open -> open/;

const closers: (() => unknown)[] = [];
const owner = { after: (close: () => unknown): void => void closers.push(close) };
try {
  mkdirSync(folder, { recursive: true });
  const browser = await openBrowser(owner);
  const demo = new OutriggerProcess(['demo']);
  owner.after(() => demo.child.kill('SIGTERM'));
  const [, url = ''] = /(http:\S+\/)\n/.exec(await demo.untilWritten(/all is well/)) ?? [];
  const takers = await Promise.all(pictures.map((picture) => prepare(browser, url, picture)));
  await demo.untilWritten(moment);
  for (const take of takers) await take();
} finally {
  for (const close of closers.toReversed()) await close();
}

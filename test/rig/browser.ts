import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Owner } from './owner.ts';

/** Debian's; the others are where other systems put it. */
const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** Options of a test that needs a browser: it is skipped, and says why, where there is none. */
export const needsBrowser = {
  skip: chromiumPath === undefined ? 'Chromium is not installed (Debian: apt-get install chromium)' : false,
};

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

const launch = (): Promise<Browser> =>
  chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: flags,
  });

/** A browser without a window; it goes with its owner. */
export const openBrowser = async (owner: Owner): Promise<Browser> => {
  const browser = await launch();
  owner.after(() => browser.close());
  return browser;
};

/** One browser for all tests of a file, started when the first of them wants it; it goes with its owner. */
export const shareBrowser = (owner: Owner): (() => Promise<Browser>) => {
  let browser: Promise<Browser> | null = null;
  owner.after(async () => (await browser)?.close());
  return () => {
    browser ??= launch();
    return browser;
  };
};

/** A page, and everything that it complained about. */
export interface WatchedPage {
  readonly page: Page;
  /** Console messages of every level, exceptions, and what the content security policy refused. */
  readonly complaints: string[];
}

/** A page of its own (cookies, storage), with the console and exceptions written down from the start. */
export const openPage = async (
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  return { page, complaints };
};

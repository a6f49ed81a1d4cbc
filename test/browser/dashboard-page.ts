import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { openPage } from '../rig/browser.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';

/** How a page is opened. */
export interface DashboardOptions {
  readonly browser?: BrowserContextOptions;
  /** Which part of the page, as its address says it: `#/reviews`. */
  readonly place?: string;
  /** To be done before anything is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** Outrigger's dashboard in a page of its own. */
export class DashboardPage {
  readonly page: Page;
  /** Console messages, exceptions, breaches of the content security policy, requests that left the origin. */
  readonly complaints: string[];

  constructor(page: Page, complaints: string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  /** The card of a command, in one condition (`open`, `forced-open`) or in any. */
  card(name: string, condition?: string): Locator {
    const link = this.page.getByRole('link', { name, exact: true });
    return this.page
      .locator(condition === undefined ? '.card' : `.card.is-${condition}`)
      .filter({ has: link });
  }

  /** Whether the stream is there, as the header says it. */
  stream(words: 'live' | 'stream lost' | 'connecting'): Locator {
    return this.page.locator('.connection').getByText(words, { exact: true });
  }

  /** The names on the cards, in their order on the screen. */
  names(): Promise<string[]> {
    return this.page.locator('.card h3').allTextContents();
  }

  /** The panel with the detail of a command. */
  get detail(): Locator {
    return this.page.getByRole('dialog');
  }
}

/** Opens the dashboard of the sidecar whose admin interface is here; the page goes with its owner. */
export const openDashboard = async (
  owner: Owner,
  browser: Browser,
  admin: RigAddress,
  { browser: options = {}, place = '', prepare = async () => {} }: DashboardOptions = {},
): Promise<DashboardPage> => {
  const { page, complaints } = await openPage(browser, options);
  owner.after(() => page.context().close());
  page.setDefaultTimeout(15_000);
  const origin = `http://${admin.host}:${admin.port}`;
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`request to ${request.url()}`);
  });
  await prepare(page);
  await page.goto(`${origin}/${place}`);
  return new DashboardPage(page, complaints);
};

/** Those that are not the browser's own word for an answer or a connection that the test made fail. */
export const unexpected = (complaints: readonly string[], expected: RegExp): string[] =>
  complaints.filter((complaint) => !expected.test(complaint));

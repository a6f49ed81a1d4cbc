import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard, unexpected } from './dashboard-page.ts';

const browser = shareBrowser({ after });

/** What Chromium says by itself of the answer to somebody who is not signed in, and of a server that is gone. */
const refusal = /^error: Failed to load resource: (the server responded with a status of 401|net::ERR_)/;

test(
  'who shows the token gets the dashboard, by a cookie that no script can read, until they sign out',
  needsBrowser,
  async (context) => {
    const sidecar = await startSidecarProcess(context, { admin: { token: 'the-right-token' } });
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    const { page } = dashboard;
    const token = page.getByLabel('Admin token');
    await token.fill('the-wrong-token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This is not the value of admin.token').waitFor();
    const cookiesBefore = await page.context().cookies();

    await token.fill('the-right-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await dashboard.stream('live').waitFor();
    const [cookie] = await page.context().cookies();
    const readable = await page.evaluate(() => document.cookie);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await token.waitFor();
    const cookiesAfter = await page.context().cookies();

    assert.deepEqual(cookiesBefore, []);
    assert.equal(cookie?.httpOnly, true);
    assert.equal(cookie?.sameSite, 'Strict');
    assert.equal(readable, '');
    assert.deepEqual(cookiesAfter, []);
    assert.deepEqual(unexpected(dashboard.complaints, refusal), []);
  },
);

test(
  'a session ends with its token: the open page asks for the new one by itself',
  needsBrowser,
  async (context) => {
    const first = await startSidecarProcess(context, { admin: { token: 'token-of-the-first' } });
    const dashboard = await openDashboard(context, await browser(), first.admin);
    const { page } = dashboard;
    const token = page.getByLabel('Admin token');
    await token.fill('token-of-the-first');
    await page.keyboard.press('Enter');
    await dashboard.stream('live').waitFor();

    await first.stop();
    const admin = { token: 'token-of-the-second' };
    await startSidecarProcess(context, { admin }, { place: first });
    await token.waitFor();
    await token.fill('token-of-the-second');
    await page.keyboard.press('Enter');
    await dashboard.stream('live').waitFor();

    assert.deepEqual(unexpected(dashboard.complaints, refusal), []);
  },
);

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { needsBrowser, shareBrowser } from '../rig/browser.ts';
import { subscribe } from '../rig/event-subscriber.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { openDashboard, unexpected } from './dashboard-page.ts';

const browser = shareBrowser({ after });

/** What Chromium says by itself of a server that is gone. */
const unreachable = /^error: Failed to load resource: net::ERR_\w+$/;
const refused = /^error: Failed to load resource: the server responded with a status of 503/;

const upstreams = (endpoint: string) => ({
  upstreams: {
    reviews: {
      hosts: ['reviews.test'],
      endpoints: [endpoint],
      retry: { attempts: 1 },
      breaker: { volume: 3, sleep: '10m' },
    },
  },
});

test(
  'a process that goes away is told with the time since, and the one that comes in its place is read by itself',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
    const config = upstreams(upstream.address);
    const first = await startSidecarProcess(context, config);
    const caller = makeCaller(context, first.egress);
    const dashboard = await openDashboard(context, await browser(), first.admin);
    const { page } = dashboard;
    const incidents = page.locator('.incidents li');
    const processLine = page.locator('.process');
    const strip = page.getByRole('alert').filter({ hasText: 'The stream is lost' });
    await dashboard.stream('live').waitFor();
    for (let i = 0; i < 3; i += 1) await caller.call({ host: 'reviews.test' });
    await dashboard.card('reviews', 'open').waitFor();
    const before = await processLine.innerText();

    await first.stop();
    await dashboard.stream('stream lost').waitFor();
    await strip.getByText('The sidecar cannot be reached').waitFor();
    const header = page.locator('.connection.is-lost');
    await header.getByText(/for [1-9]\d* s/).waitFor();
    await page
      .locator('.lost')
      .getByText(/from \d.* ago/)
      .waitFor();
    const stillShown = await dashboard.card('reviews', 'open').count();

    const second = await startSidecarProcess(context, config, { place: first });
    await dashboard.stream('live').waitFor();
    await strip.waitFor({ state: 'detached' });
    await dashboard.card('reviews', 'closed').waitFor();
    const atFirst = await incidents.count();
    for (let i = 0; i < 3; i += 1) await caller.call({ host: 'reviews.test' });
    await dashboard.card('reviews', 'open').waitFor();

    assert.equal(stillShown, 1);
    assert.notEqual(await processLine.innerText(), before);
    assert.equal(atFirst, 0, 'what happened in the process before is not told of this one');
    assert.equal(await incidents.count(), 1);
    assert.equal(second.admin.port, first.admin.port);
    assert.deepEqual(unexpected(dashboard.complaints, unreachable), []);
  },
);

test(
  'a stream that falls silent counts as lost, and goes on where it was when the process wakes',
  needsBrowser,
  async (context) => {
    const upstream = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
    const sidecar = await startSidecarProcess(context, upstreams(upstream.address));
    const caller = makeCaller(context, sidecar.egress);
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    await dashboard.stream('live').waitFor();
    for (let i = 0; i < 3; i += 1) await caller.call({ host: 'reviews.test' });
    await dashboard.card('reviews', 'open').waitFor();

    sidecar.child.kill('SIGSTOP');
    await dashboard.stream('stream lost').waitFor();
    await dashboard.page.getByRole('alert').getByText('The sidecar cannot be reached').waitFor();
    sidecar.child.kill('SIGCONT');
    await dashboard.stream('live').waitFor();
    await dashboard.card('reviews', 'open').waitFor();

    assert.equal(await dashboard.page.locator('.incidents li').count(), 1);
    assert.deepEqual(unexpected(dashboard.complaints, unreachable), []);
  },
);

test(
  'an answer that comes too late does not call a stream lost that is back',
  needsBrowser,
  async (context) => {
    const sidecar = await startSidecarProcess(context, {});
    const asked = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    let streams = 0;
    const dashboard = await openDashboard(context, await browser(), sidecar.admin, {
      prepare: (page) =>
        page.route('**/events', async (route) => {
          if (route.request().method() === 'HEAD') {
            asked.resolve();
            await mayAnswer.promise;
            return route.fulfill({ status: 200 });
          }
          streams += 1;
          return streams === 1 ? route.abort('connectionreset') : route.continue();
        }),
    });
    await asked.promise;
    await dashboard.stream('live').waitFor();
    const { page } = dashboard;
    await page.evaluate(() => {
      new MutationObserver(() => {
        if (document.querySelector('.connection.is-lost') !== null) console.error('called lost');
      }).observe(document.body, { subtree: true, attributes: true, childList: true });
    });

    const answered = page.waitForResponse((response) => response.request().method() === 'HEAD');
    mayAnswer.resolve();
    await answered;
    // The page has heard that answer before it hears this one.
    await page.evaluate(() => fetch('/session').then((response) => response.text()));

    assert.deepEqual(unexpected(dashboard.complaints, unreachable), []);
  },
);

test(
  'where too many streams are open the page says so, and gets one when it is free',
  needsBrowser,
  async (context) => {
    const sidecar = await startSidecarProcess(context, { admin: { maxStreams: { all: 1 } } });
    const other = subscribe(context, sidecar.admin.port);
    await other.snapshot();
    const dashboard = await openDashboard(context, await browser(), sidecar.admin);
    await dashboard.stream('stream lost').waitFor();
    await dashboard.page
      .getByRole('alert')
      .getByText('close other dashboards, or raise admin.maxStreams')
      .waitFor();

    other.close();
    await dashboard.stream('live').waitFor();

    assert.deepEqual(unexpected(dashboard.complaints, refused), []);
  },
);

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { ask, changeFields, type RunningAdmin, startAdmin } from './admin-fixture.ts';

const token = 's3cret';
const hour = 3_600_000;

const signIn = ({ tcpPort }: RunningAdmin, presented: unknown, fields: Record<string, string> = {}) =>
  ask(tcpPort, {
    method: 'POST',
    path: '/session',
    fields: { ...changeFields, ...fields },
    body: JSON.stringify({ token: presented }),
  });

/** Signs in and returns the cookie as a browser would send it back. */
const cookieFor = async (admin: RunningAdmin): Promise<string> => {
  const { headers } = await signIn(admin, token);
  return (headers.get('set-cookie') ?? '').split(';')[0]!;
};

const statusWith = async ({ tcpPort }: RunningAdmin, cookie: string, path = '/breakers'): Promise<number> =>
  (await ask(tcpPort, { path, fields: { Cookie: cookie } })).status;

const start = (context: TestContext): Promise<RunningAdmin> => startAdmin(context, { token });

test('the token buys a cookie that no script can read, no other site can send, and that opens every page', async (context) => {
  const admin = await start(context);

  const { status, headers } = await signIn(admin, token);

  const cookie = headers.get('set-cookie') ?? '';
  assert.equal(status, 204);
  assert.match(
    cookie,
    /^outrigger-[0-9a-f]{8}=\d+\.[0-9a-f]{64}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  assert.equal(await statusWith(admin, `theme=dark; ${cookie.split(';')[0]}`), 200);
  assert.equal(await statusWith(admin, cookie.split(';')[0]!, '/'), 200);
});

test('a wrong token is refused in words, and sets no cookie', async (context) => {
  const admin = await start(context);

  const { status, headers, body } = await signIn(admin, 'S3cret');

  assert.equal(status, 401);
  assert.match(body, /not the value of admin\.token/);
  assert.equal(headers.has('set-cookie'), false);
});

for (const body of [undefined, null, 5, ['s3cret'], '']) {
  test(`${JSON.stringify(body)} is no token`, async (context) => {
    const { status } = await signIn(await start(context), body);

    assert.ok(status === 400 || status === 401, String(status));
  });
}

test('a cookie ends after twelve hours', async (context) => {
  const admin = await start(context);
  const cookie = await cookieFor(admin);

  admin.clock.advance(12 * hour - 2000);
  const before = await statusWith(admin, cookie);
  admin.clock.advance(2000);

  assert.deepEqual([before, await statusWith(admin, cookie)], [200, 401]);
});

test('a cookie that is not sealed with the token opens nothing', async (context) => {
  const admin = await start(context);
  const [name = '', value = ''] = (await cookieFor(admin)).split('=');
  const [expiry = '', seal = ''] = value.split('.');
  const later = Number(expiry) + 1;
  const byOther = createHmac('sha256', 'other').update(`outrigger session: until ${expiry}`).digest('hex');

  for (const forged of [
    `${later}.${seal}`,
    `${expiry}.${byOther}`,
    `${expiry}.`,
    `${expiry}`,
    '',
    `${expiry}.${seal}0`,
    `0${expiry}.${seal}`,
    `${expiry}.${seal.toUpperCase()}`,
    token,
  ]) {
    assert.equal(await statusWith(admin, `${name}=${forged}`), 401, forged);
  }
});

test('a worthless cookie of the same name does not sign out who has a good one', async (context) => {
  const admin = await start(context);
  const cookie = await cookieFor(admin);
  const name = cookie.split('=')[0];

  assert.equal(await statusWith(admin, `${name}=x; ${cookie}`), 200);
  assert.equal(await statusWith(admin, `${cookie}; ${name}=x`), 200);
  assert.equal(await statusWith(admin, `${name}=x; ${name}=y`), 401);
});

test('two sidecars on one machine name their cookies apart', async (context) => {
  const [one, other] = [await start(context), await startAdmin(context, { token: 'other' })];

  const { headers } = await signIn(other, 'other');

  assert.notEqual(headers.get('set-cookie')?.split('=')[0], (await cookieFor(one)).split('=')[0]);
});

test('after ten wrong tokens within a minute nobody signs in for the rest of it, but the token itself still opens', async (context) => {
  const admin = await start(context);
  for (let i = 0; i < 10; i += 1) await signIn(admin, `guess ${i}`);

  const shut = await signIn(admin, token);
  const bearer = await ask(admin.tcpPort, {
    path: '/breakers',
    fields: { Authorization: `Bearer ${token}` },
  });
  admin.clock.advance(60_000);
  const again = await signIn(admin, token);

  assert.equal(shut.status, 429);
  assert.equal(shut.headers.get('retry-after'), '60');
  assert.equal(bearer.status, 200);
  assert.equal(again.status, 204);
});

test('wrong tokens of different minutes do not add up', async (context) => {
  const admin = await start(context);
  for (let i = 0; i < 18; i += 1) {
    await signIn(admin, 'guess');
    admin.clock.advance(7000);
  }

  assert.equal((await signIn(admin, token)).status, 204);
});

test('signing out takes the cookie away', async (context) => {
  const admin = await start(context);
  const cookie = await cookieFor(admin);

  const { status, headers } = await ask(admin.tcpPort, {
    method: 'POST',
    path: '/session/end',
    fields: { ...changeFields, Cookie: cookie },
  });

  assert.equal(status, 204);
  assert.match(headers.get('set-cookie') ?? '', /^outrigger-[0-9a-f]{8}=; Max-Age=0; /);
});

test('a page of another site can neither sign in nor use the cookie', async (context) => {
  const admin = await start(context);
  const cookie = await cookieFor(admin);
  const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };

  const signedIn = await signIn(admin, token, foreign);
  const form = await ask(admin.tcpPort, {
    method: 'POST',
    path: '/session',
    fields: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `token=${token}`,
  });
  const forced = await ask(admin.tcpPort, {
    method: 'POST',
    path: '/breakers/reviews',
    fields: { ...changeFields, ...foreign, Cookie: cookie },
    body: '{"force":"open"}',
  });

  assert.deepEqual([signedIn.status, form.status, forced.status], [403, 415, 403]);
  assert.deepEqual(admin.port.forced, []);
});

test('who shows no token gets the page to sign in at /, and problems elsewhere; only terminals are offered Basic', async (context) => {
  const { tcpPort } = await start(context);
  const fetching = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'same-origin' };

  const page = await ask(tcpPort, { path: '/' });
  const terminal = await ask(tcpPort, { path: '/breakers' });
  const script = await ask(tcpPort, { path: '/events', fields: fetching });

  assert.equal(page.status, 401);
  assert.match(page.body, /<form/);
  assert.doesNotMatch(page.body, /importmap/);
  assert.equal(page.headers.get('www-authenticate'), 'Bearer realm="outrigger"');
  assert.match(terminal.headers.get('www-authenticate') ?? '', /Basic/);
  assert.equal(script.headers.get('www-authenticate'), 'Bearer realm="outrigger"');
});

test('/session tells who asks how they are let in', async (context) => {
  const admin = await start(context);
  const open = await startAdmin(context);
  const cookie = await cookieFor(admin);
  const by = async ({ tcpPort }: RunningAdmin, fields: Record<string, string>) => {
    const { status, body } = await ask(tcpPort, { path: '/session', fields });
    return status === 200 ? JSON.parse(body).signedInBy : status;
  };

  assert.equal(await by(admin, {}), 401);
  assert.equal(await by(admin, { Cookie: cookie }), 'cookie');
  assert.equal(await by(admin, { Authorization: `Bearer ${token}` }), 'authorization');
  assert.equal(await by(open, {}), 'nothing');
});

test('the files of the dashboard need no token: they say nothing of this process', async (context) => {
  const { tcpPort } = await start(context);

  assert.equal((await ask(tcpPort, { path: '/assets/admin/dashboard/sign-in.js' })).status, 200);
});

const visit = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

for (const [what, path, fields, status] of [
  ['a link to the dashboard', '/', visit, 200],
  ['a link to another page', '/breakers', visit, 403],
  ['a frame with the dashboard', '/', { ...visit, 'Sec-Fetch-Dest': 'iframe' }, 403],
  ['a fetch of the dashboard', '/', { ...visit, 'Sec-Fetch-Mode': 'no-cors' }, 403],
  ['a form to the dashboard', '/', { ...visit, Origin: 'https://evil.example' }, 403],
] as const) {
  test(`${what} on another site is answered with ${status}`, async (context) => {
    const { tcpPort } = await startAdmin(context);

    assert.equal((await ask(tcpPort, { path, fields })).status, status);
  });
}

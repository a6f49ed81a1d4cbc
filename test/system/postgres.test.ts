import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { fetchText } from '../rig/metrics.ts';
import type { Owner } from '../rig/owner.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../rig/postgres-server.ts';
import { Program, runProgram } from '../rig/program.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

/** Real clients of PostgreSQL, and a real server, with the sidecar as a process between them. */

const skip = postgresMissing;
const closers: (() => unknown)[] = [];
const owner: Owner = { after: (close) => closers.unshift(close) };
let server: PostgresServer;
let sidecar: SidecarProcess;
/** Ports of the sidecar: the server; the same beside an endpoint where nobody listens; the same with a short idle time. */
let ports: { readonly db: number; readonly spare: number; readonly idle: number };

before(async () => {
  if (skip) return;
  server = await startPostgres(owner);
  ports = { db: await freePort(), spare: await freePort(), idle: await freePort() };
  const tcp = (port: number, endpoints: readonly string[], more: object) => ({
    protocol: 'tcp',
    listen: `127.0.0.1:${port}`,
    endpoints,
    ...more,
  });
  const live = server.address;
  sidecar = await startSidecarProcess(owner, {
    upstreams: {
      db: tcp(ports.db, [live], { timeout: { idle: '1h' }, breaker: { volume: 4, sleep: '200ms' } }),
      spare: tcp(ports.spare, [`127.0.0.1:${await freePort()}`, live], {}),
      idle: tcp(ports.idle, [live], { timeout: { idle: '300ms' } }),
    },
  });
});

after(async () => {
  for (const close of closers) await close();
});

const psqlArgs = (port: number): string[] =>
  `-X -A -t -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p ${port} -U postgres`.split(' ');

/** What psql prints for these statements. */
const psql = (port: number, sql: string, input = ''): Promise<string> =>
  runProgram(owner, 'psql', [...psqlArgs(port), '-c', sql], { input });

/** A session that goes on until it is told to end. */
const session = (t: Owner, port: number): Program => new Program(t, 'psql', psqlArgs(port));

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a result set is the same through the sidecar as without it, up to its last byte', {
  skip,
}, async () => {
  const sql = `select g, md5(g::text), null, E'tab\\t, "quotes", line\\nfeed, ü €', g / 7.0 from generate_series(1, 5000) g`;

  const [direct, through] = await Promise.all([psql(server.port, sql), psql(ports.db, sql)]);

  assert.equal(direct.split('\n').length, 10_001);
  assert.equal(through, direct);
});

test('so is one of 20 MB', { skip }, async () => {
  const sql = `select repeat(md5(g::text), 32) from generate_series(1, 20000) g`;

  const through = await psql(ports.db, sql);

  assert.equal(through.length, 20_000 * 1025);
  assert.equal(hash(through), hash(await psql(server.port, sql)));
});

test('COPY goes both ways, 5 MB each', { skip }, async () => {
  const rows = Array.from({ length: 50_000 }, (_, i) => `${i}\t${hash(String(i)).repeat(2).slice(0, 95)}\n`);
  await psql(server.port, 'create table copied (id int primary key, text text)');

  await psql(ports.db, 'copy copied from stdin', rows.join(''));
  const back = await psql(ports.db, 'copy (select * from copied order by id) to stdout');

  assert.equal(await psql(server.port, 'select count(*) from copied'), '50000\n');
  assert.equal(hash(back), hash(rows.join('')));
});

test('pgbench has no failed transaction, on kept connections and with a new one for each', {
  skip,
}, async () => {
  const run = (args: string): Promise<string> =>
    runProgram(owner, 'pgbench', `${args} -h 127.0.0.1 -p ${ports.db} -U postgres postgres`.split(' '));
  await run('-i -q');

  const kept = await run('-c 8 -j 2 -T 2');
  const fresh = await run('-c 8 -j 2 -C -S -t 25');

  for (const report of [kept, fresh]) assert.match(report, /number of failed transactions: 0 \(/);
  assert.match(fresh, /number of transactions actually processed: 200\/200\n/);
});

test('a client that is killed takes its backend with it', { skip }, async (t) => {
  const client = session(t, ports.db).say('select pg_backend_pid();');
  await client.says('\n');
  const pid = Number(client.stdout);
  const isThere = async (): Promise<boolean> =>
    (await psql(server.port, `select count(*) from pg_stat_activity where pid = ${pid}`)) === '1\n';
  assert.equal(await isThere(), true);

  await client.kill();

  await eventually('the backend is gone', async () => !(await isThere()), 15_000);
});

test('where one endpoint refuses, the other is connected to and no session notices', { skip }, async () => {
  for (let i = 0; i < 6; i += 1) assert.equal(await psql(ports.spare, 'select 1'), '1\n');

  const metrics = await sidecar.metrics();
  assert.ok(metrics.sum('retries_total', { upstream: 'spare', reason: 'connect_refused' }) >= 1);
  assert.equal(metrics.sum('requests_total', { upstream: 'spare', outcome: 'failure' }), 0);
});

test('a session in which nothing is said for the idle time is ended, and psql says so', {
  skip,
}, async (t) => {
  const client = session(t, ports.idle).say('select 42;');
  await client.says('42');
  await sidecar.metricIs('tunnels_closed_total', { upstream: 'idle', reason: 'timeout' }, 1);

  client.say('select 43;');

  assert.equal(await client.over(), 2);
  assert.doesNotMatch(client.stdout, /43/);
});

/** Last, for it ends the server that the others use. */
test('a server that is killed ends its transactions at once, opens the breaker, and is used again when it is back', {
  skip,
}, async (t) => {
  await psql(server.port, 'create table written (n int)');
  const inTransaction = session(t, ports.db).say('begin; insert into written values (1); select 7;');
  const inQuery = session(t, ports.db).say('select 8; select pg_sleep(3600);');
  await Promise.all([inTransaction.says('7'), inQuery.says('8')]);

  await server.kill();

  // Nothing else would end them: the idle time is an hour.
  assert.equal(await inQuery.over(), 2);
  assert.match(inQuery.stderr, /server closed the connection unexpectedly|Connection reset by peer/);
  inTransaction.say('commit;');
  assert.equal(await inTransaction.over(), 2);
  while ((await stateOf('db')) !== 'open') await assert.rejects(psql(ports.db, 'select 1'));
  await server.start();
  await eventually(
    'sessions begin again',
    () =>
      psql(ports.db, 'select 1').then(
        () => true,
        () => false,
      ),
    15_000,
  );
  assert.equal(await stateOf('db'), 'closed');
  assert.equal(await psql(ports.db, 'select count(*) from written'), '0\n');
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 0);
});

const stateOf = async (name: string): Promise<unknown> =>
  (JSON.parse((await fetchText(sidecar.admin, `/breakers/${name}`)).text) as Record<string, unknown>)[
    'state'
  ];

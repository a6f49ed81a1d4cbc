import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ClientAnswer, type ClientCall, calls } from './client-calls.ts';
import { type ClientStage, type Scheme, startClientStage, type Way } from './client-stage.ts';
import { eventually } from './eventually.ts';
import { startFaultServer } from './fault-server.ts';
import type { Call } from './http-upstream.ts';
import { withoutOpenssl } from './https-server.ts';
import type { Owner } from './owner.ts';

/** What a client is told to do. */
export interface ClientTask {
  readonly calls: readonly ClientCall[];
  /** Scheme, host and port. */
  readonly base: string;
  readonly way: Way;
  readonly stage: ClientStage;
}

/** How a program is made to do what the matrix asks of it. */
export interface MatrixClient {
  readonly name: string;
  /** Why it cannot take part; false: it can. */
  readonly skip: string | false;
  /** Calls that it has no means for, by name. */
  readonly cannot?: readonly string[];
  /** How it asks a proxy for `http://`. */
  readonly asks: 'absolute' | 'connect';
  /** Variables that it takes its proxy from; null: it is told by an option. */
  readonly reads: readonly ProxyVariable[] | null;
  /** A variable without which it reads none of those. */
  readonly switch?: 'NODE_USE_ENV_PROXY';
  /** True for one that opens a tunnel for each request over TLS, whatever it does without a proxy. */
  readonly keepsNoTunnel?: boolean;
  /** Does the calls one after the other: for each its answers, none where it left. */
  readonly perform: (task: ClientTask) => Promise<readonly (readonly ClientAnswer[])[]>;
}

export type ProxyVariable = 'http_proxy' | 'HTTP_PROXY' | 'https_proxy' | 'HTTPS_PROXY';

/** What a proxy may change: what speaks of one connection, and who passed it on. */
const mayDifferThere = ['connection', 'proxy-connection', 'via'];
const mayDifferBack = ['date', 'connection', 'keep-alive', 'via'];

const without = (fields: object, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

const asClientSaw = (answer: ClientAnswer) => ({ ...answer, fields: without(answer.fields, mayDifferBack) });

const asServerSaw = (call: Call) => ({ ...call, headers: without(call.headers, mayDifferThere) });

const switchedOn = (way: Way, client: MatrixClient): Way =>
  client.switch === undefined ? way : { ...way, env: { ...way.env, [client.switch]: '1' } };

/** What came of a run. */
const runOn = async (stage: ClientStage, client: MatrixClient, scheme: Scheme, way: Way) => {
  const { server, door } = stage;
  const before = { served: server.calls.length, aborted: server.aborted };
  const connected = { server: server.connections, door: door.accepted };
  const asked = calls.filter(({ name }) => client.cannot?.includes(name) !== true);
  const answers = await client.perform({ calls: asked, base: stage.bases[scheme], way, stage });
  const leaving = asked.filter(({ leaveAfterBytes }) => leaveAfterBytes !== undefined).length;
  const hasSeen = (): boolean => server.aborted - before.aborted === leaving;
  await eventually(`the server has seen ${client.name} leave`, hasSeen);
  const served = server.calls.slice(before.served);
  return {
    got: asked.map(({ name }, index) => ({ name, answers: answers[index]?.map(asClientSaw) })),
    served: served.map(asServerSaw),
    passedOn: served.filter(({ headers }) => headers['via'] !== undefined).length,
    toServer: server.connections - connected.server,
    toDoor: door.accepted - connected.door,
  };
};

const compareWays = async (stage: ClientStage, client: MatrixClient, scheme: Scheme): Promise<void> => {
  const straight = await runOn(stage, client, scheme, stage.direct);
  const through = await runOn(stage, client, scheme, switchedOn(stage.proxied, client));

  for (const { name, answers } of straight.got) assert.ok(answers !== undefined, `${name} was not done`);
  assert.deepEqual(through.got, straight.got);
  assert.deepEqual(through.served, straight.served);
  const ofItsOwn = scheme === 'https' && client.keepsNoTunnel === true;
  const expected = ofItsOwn ? through.served.length : straight.toServer;
  assert.equal(through.toDoor, expected, 'connections that the client opened');
  // Nothing went past the sidecar: requests carry its mark, and a tunnel is one connection on either side of it.
  if (scheme === 'http' && client.asks === 'absolute') assert.equal(through.passedOn, through.served.length);
  else assert.deepEqual([through.passedOn, through.toServer], [0, through.toDoor]);
};

/** Which of the variables of one spelling the client goes by. */
const heeds = async (
  owner: Owner,
  stage: ClientStage,
  client: MatrixClient,
  spelling: (name: string) => ProxyVariable,
  turn: typeof switchedOn = switchedOn,
): Promise<ProxyVariable[]> => {
  const doors = {
    http: await startFaultServer(owner, stage.sidecar.egress),
    https: await startFaultServer(owner, stage.sidecar.egress),
  };
  const variables = {
    [spelling('http_proxy')]: `http://${doors.http.address}`,
    [spelling('https_proxy')]: `http://${doors.https.address}`,
  };
  const way = turn(stage.withVariables(variables), client);
  const [plainGet] = calls;
  for (const scheme of ['http', 'https'] as const) {
    const [answers] = await client.perform({ calls: [plainGet!], base: stage.bases[scheme], way, stage });
    assert.equal(answers?.[0]?.status, 200);
  }
  return (['http', 'https'] as const)
    .filter((scheme) => doors[scheme].accepted > 0)
    .map((scheme) => spelling(`${scheme}_proxy`));
};

const readsVariables = async (owner: Owner, stage: ClientStage, client: MatrixClient): Promise<void> => {
  const inLower = (name: string) => name as ProxyVariable;
  const lower = await heeds(owner, stage, client, inLower);
  const upper = await heeds(owner, stage, client, (name) => name.toUpperCase() as ProxyVariable);
  assert.deepEqual(new Set([...lower, ...upper]), new Set(client.reads));
  if (client.switch === undefined) return;
  assert.deepEqual(await heeds(owner, stage, client, inLower, (way) => way), [], 'without its switch');
};

/**
 * Tests of these clients: every call gives what it gives without a proxy, to the client and to the server. Returns what
 * gives the stage to further tests of the same file.
 */
export const testClients = (clients: readonly MatrixClient[]): (() => ClientStage) => {
  const closers: (() => unknown)[] = [];
  let stage: ClientStage;
  before(async () => {
    if (withoutOpenssl === false)
      stage = await startClientStage({ after: (close) => closers.unshift(close) });
  });
  after(async () => {
    for (const close of closers) await close();
  });
  for (const client of clients) {
    const options = { skip: withoutOpenssl || client.skip };
    describe(client.name, () => {
      for (const scheme of ['http', 'https'] as const) {
        test(`${client.name} sees no difference to a direct call, over ${scheme}`, options, () =>
          compareWays(stage, client, scheme),
        );
      }
      if (client.reads === null) return;
      test(`${client.name} takes its proxy from ${client.reads.join(', ')}`, options, (t) =>
        readsVariables(t, stage, client),
      );
    });
  }
  return () => stage;
};

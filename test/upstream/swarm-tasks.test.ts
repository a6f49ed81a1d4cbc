import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type DataPath, startDataPath } from '../rig/data-path.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { eventually } from '../rig/eventually.ts';
import { startFullBacklog } from '../rig/full-backlog.ts';
import { type HttpCaller, makeCaller, statusOrCode } from '../rig/http-call.ts';

/** A task of a service: it answers with its address. All tasks listen on the same port, each on an address of its own. */
class Task {
  readonly address: string;
  readonly #server: Server;

  constructor(address: string) {
    this.address = address;
    this.#server = createServer((_request, response) => response.end(address));
  }

  /** Port 0: the system chooses it, for those to come. */
  async start(t: TestContext, port: number): Promise<number> {
    this.#server.listen(port, this.address);
    await once(this.#server, 'listening');
    t.after(() => this.stop());
    return (this.#server.address() as { port: number }).port;
  }

  /** As a task that has been stopped: connections are cut, and new ones refused. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** What the app does and sees, and what the name server says. */
class Swarm {
  readonly #t: TestContext;
  readonly #dns: DnsServer;
  readonly #path: DataPath;
  readonly #caller: HttpCaller;
  readonly #tasks = new Map<string, Task>();
  readonly port: number;

  constructor(t: TestContext, dns: DnsServer, path: DataPath, port: number) {
    this.#t = t;
    this.#dns = dns;
    this.#path = path;
    this.#caller = makeCaller(t, path.egress);
    this.port = port;
  }

  /** The endpoints that the sidecar knows of, as addresses without port. */
  get known(): readonly string[] {
    return this.#path.upstream.endpoints.map(({ label }) => label.replace(/:\d+$/, '')).sort();
  }

  /** Those whose last attempts failed, and which are passed over for that. Read from what lasts. */
  get failing(): readonly string[] {
    return this.#path.upstream.endpoints
      .filter(({ consecutiveFailures }) => consecutiveFailures > 0)
      .map(({ label }) => label.replace(/:\d+$/, ''));
  }

  /** The most attempts that one of the calls took, and of how many calls there was more than one. */
  get effort(): { readonly most: number; readonly repeated: number } {
    const attempts = this.#path.ended.map((ended) => ended.attempts);
    return { most: Math.max(...attempts), repeated: attempts.filter((count) => count > 1).length };
  }

  async start(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const task = new Task(address);
      await task.start(this.#t, this.port);
      this.#tasks.set(address, task);
    }
  }

  async stop(address: string): Promise<void> {
    await this.#tasks.get(address)!.stop();
  }

  /** From now on this is what `tasks.u` says. An answer lives for a second. */
  say(...addresses: readonly string[]): void {
    this.#dns.set('tasks.u', { a: addresses, ttlSeconds: 1 });
  }

  /** The next lookup has been taken over. */
  async knows(...addresses: readonly string[]): Promise<void> {
    await eventually(`${addresses} are known`, () => this.known.join() === [...addresses].sort().join());
  }

  /** Calls so often; every call must be answered well. Gives who answered, each once. */
  async call(times = 40): Promise<readonly string[]> {
    const answered = new Set<string>();
    for (let count = 0; count < times; count += 1) {
      const result = await this.#caller.call({ host: 'u' });
      assert.equal(statusOrCode(result), 200);
      if (result.kind === 'answer') answered.add(result.body.toString());
    }
    return [...answered].sort();
  }
}

const [one, two, three, four] = ['127.1.0.1', '127.1.0.2', '127.1.0.3', '127.1.0.4'] as const;

/** Tasks that listen on this port (0: any), below a name that says so. */
const setUp = async (t: TestContext, addresses: readonly string[], hole = 0): Promise<Swarm> => {
  const dns = await DnsServer.start(t);
  const port = hole === 0 ? await new Task('127.1.0.9').start(t, 0) : hole;
  dns.set('tasks.u', { a: hole === 0 ? addresses : [...addresses, '127.0.0.1'], ttlSeconds: 1 });
  // Retries are not to be short of budget: what is looked at is where they go.
  const retry = { budget: { percent: 20, minPerSecond: 100 } };
  const upstream = { dns: `tasks.u:${port}`, timeout: { connect: '250ms' }, retry };
  const path = await startDataPath(t, dns, upstream);
  const swarm = new Swarm(t, dns, path, port);
  await swarm.start(...addresses);
  await swarm.knows(...addresses, ...(hole === 0 ? [] : ['127.0.0.1']));
  return swarm;
};

test('tasks that come get calls once the name has been looked up anew', async (t) => {
  const swarm = await setUp(t, [one]);
  assert.deepEqual(await swarm.call(), [one]);
  await swarm.start(two, three);
  swarm.say(one, two, three);
  await swarm.knows(one, two, three);
  assert.deepEqual(await swarm.call(), [one, two, three]);
  assert.equal(swarm.effort.most, 1);
});

test('tasks that go get no calls any more once the name has been looked up anew', async (t) => {
  const swarm = await setUp(t, [one, two, three]);
  assert.deepEqual(await swarm.call(), [one, two, three]);
  swarm.say(one);
  await swarm.knows(one);
  await swarm.stop(two);
  await swarm.stop(three);
  assert.deepEqual(await swarm.call(), [one]);
  assert.equal(swarm.effort.most, 1);
});

test('an answer that still names a task that is gone costs one retry, and the task is passed over', async (t) => {
  const swarm = await setUp(t, [one, two, three]);
  await swarm.call();
  await swarm.stop(two);
  assert.deepEqual(await swarm.call(), [one, three]);
  assert.deepEqual([swarm.known, swarm.failing], [[one, two, three], [two]]);
  assert.equal(swarm.effort.most, 2);
  // It is looked at again after a second or more, not with every call.
  assert.ok(swarm.effort.repeated < 10, `${swarm.effort.repeated} calls were repeated`);
});

test('an address behind which nobody answers costs the time limit for connecting once, and is passed over', async (t) => {
  const swarm = await setUp(t, [one, two], await startFullBacklog(t));
  assert.deepEqual(await swarm.call(), [one, two]);
  assert.deepEqual(swarm.failing, ['127.0.0.1']);
  assert.equal(swarm.effort.most, 2);
  assert.ok(swarm.effort.repeated < 10, `${swarm.effort.repeated} calls were repeated`);
});

test('tasks that are replaced one after the other cost the app no error, though each is gone before its address is', async (t) => {
  const swarm = await setUp(t, [one, two]);
  await swarm.call();
  for (const [leaving, staying, coming] of [
    [one, two, three],
    [two, three, four],
  ] as const) {
    await swarm.start(coming);
    swarm.say(leaving, staying, coming);
    await swarm.knows(leaving, staying, coming);
    await swarm.stop(leaving);
    assert.deepEqual(await swarm.call(), [staying, coming]);
    swarm.say(staying, coming);
    await swarm.knows(staying, coming);
  }
  assert.deepEqual(await swarm.call(), [three, four]);
  assert.equal(swarm.effort.most, 2);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkFile } from '../../src/config/load-settings.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { parseDuration } from '../../src/config/units.ts';
import { MAX_TTL_MS } from '../../src/upstream/resolver.ts';
import { withoutProgram } from '../rig/command-client.ts';

const folder = join(import.meta.dirname, '../../deploy/swarm');
const stackFile = join(folder, 'stack.yaml');
const readText = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** What these tests read of a service of the stack. */
interface Service {
  readonly image: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string;
  readonly init: boolean;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly healthcheck: { readonly test: readonly string[]; readonly timeout: string };
  readonly stop_grace_period: string;
  readonly configs: readonly { readonly source: string; readonly target: string; readonly uid: string }[];
  readonly secrets: readonly { readonly source: string }[];
  readonly ports?: readonly unknown[];
  readonly deploy: {
    readonly endpoint_mode?: string;
    readonly update_config: {
      readonly order: string;
      readonly delay: string;
      readonly failure_action: string;
    };
    readonly resources: { readonly limits: { readonly memory: string } };
  };
}

interface Stack {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly name: string; readonly file: string }>>;
  readonly secrets: Readonly<Record<string, unknown>>;
}

const stack = parse(readText('stack.yaml'), { merge: true, version: '1.1' }) as Stack;
const services = Object.entries(stack.services);

/** The configuration as a task finds it: Swarm has put the secret in. */
const mounted = () => {
  const text = readText('outrigger.yaml').replace(/\{\{"(\w+)"\|secret\}\}/, 'a-token-of-the-test');
  const parsed = parseSettings(text, 'outrigger.yaml', {});
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.settings;
};

const milliseconds = (text: string): number => {
  const parsed = parseDuration(text);
  assert.ok(parsed !== null, text);
  return parsed;
};

test('there are services, and each is run by the sidecar, which has the configuration that is mounted', () => {
  assert.ok(services.length >= 2);
  for (const [name, service] of services) {
    assert.deepEqual(service.entrypoint.slice(-2), ['exec', '--'], name);
    assert.ok(service.entrypoint.includes('/outrigger/outrigger.js') && service.command.length > 0, name);
    const [config] = service.configs;
    assert.equal(config?.target, service.environment['OUTRIGGER_CONFIG'], name);
    assert.ok(config !== undefined && config.source in stack.configs, name);
    assert.equal(config.uid, service.user.split(':')[0], name);
  }
});

test('no service runs as root, with capabilities, or on a file system that it can write', () => {
  for (const [name, service] of services) {
    assert.match(service.user, /^[1-9]\d*:[1-9]\d*$/, name);
    assert.deepEqual([service.read_only, service.cap_drop, service.init], [true, ['ALL'], true], name);
    assert.match(service.deploy.resources.limits.memory, /^\d+M$/, name);
  }
});

test('the time to stop is longer than the sidecar waits for a process that does not', () => {
  const { drain } = mounted();
  for (const [name, service] of services) {
    assert.ok(milliseconds(service.stop_grace_period) >= drain.deadlineMs + 5000, name);
  }
});

test('a new task is up before the old one goes, and no faster than addresses are forgotten', () => {
  for (const [name, { deploy }] of services) {
    assert.deepEqual(
      [deploy.update_config.order, deploy.update_config.failure_action],
      ['start-first', 'rollback'],
      name,
    );
    assert.ok(milliseconds(deploy.update_config.delay) > MAX_TTL_MS * 1.1, name);
  }
});

test('a service without an address of its own publishes no port', () => {
  const headless = services.filter(([, { deploy }]) => deploy.endpoint_mode === 'dnsrr');
  assert.ok(headless.length > 0);
  for (const [name, { ports }] of headless) assert.equal(ports, undefined, name);
});

test('health is asked of the sidecar, which answers in less time than the check has', () => {
  for (const [name, { healthcheck }] of services) {
    assert.deepEqual([healthcheck.test[0], healthcheck.test.at(-1)], ['CMD', 'health'], name);
    assert.ok(milliseconds(healthcheck.timeout) > 2000, name);
  }
});

test('a config has a name with a version, and its file is there', () => {
  for (const { name, file } of Object.values(stack.configs)) {
    assert.match(name, /_\$\{\w+:-\d+\}$/);
    assert.ok(existsSync(join(folder, file)), file);
  }
});

test('the configuration is valid as it stands and as a task finds it, and asks for tasks', () => {
  assert.equal(checkFile(join(folder, 'outrigger.yaml'), {}).ok, true);
  const settings = mounted();
  assert.equal(settings.admin.token, 'a-token-of-the-test');
  assert.equal(settings.egress.address.host, '127.0.0.1');
  assert.ok(settings.upstreams.length > 0);
  for (const { name, source } of settings.upstreams) {
    assert.ok(source.kind === 'dns' && source.host === `tasks.${name}`, name);
  }
});

test('the secret that the configuration names is one that every service has', () => {
  const [, secret = ''] = /\{\{"(\w+)"\|secret\}\}/.exec(readText('outrigger.yaml')) ?? [];
  assert.ok(secret in stack.secrets);
  for (const [name, { secrets }] of services)
    assert.deepEqual(
      secrets.map(({ source }) => source),
      [secret],
      name,
    );
});

test('the image of the example begins, and is asked for its health, as the services of the stack are', () => {
  const image = readText('app.Dockerfile');
  const [, entrypoint = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(image) ?? [];
  const [, health = ''] = /^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$/m.exec(image) ?? [];
  const [, user] = /^USER (.*)$/m.exec(image) ?? [];
  for (const [name, service] of services) {
    assert.deepEqual(JSON.parse(entrypoint), service.entrypoint, name);
    assert.deepEqual(['CMD', ...JSON.parse(health)], service.healthcheck.test, name);
    assert.equal(user, service.user, name);
  }
});

test('docker reads the stack and finds nothing wrong with it', {
  skip: withoutProgram('docker', ['stack', 'config', '--help']),
}, () => {
  const { status, stdout, stderr } = spawnSync('docker', ['stack', 'config', '--compose-file', stackFile], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const read = parse(stdout) as Stack;
  assert.deepEqual(Object.keys(read.services).sort(), Object.keys(stack.services).sort());
  assert.equal(read.configs['outrigger']?.name, 'shop_outrigger_1');
});

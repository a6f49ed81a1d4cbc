import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { type ShopControls, scenarioNames, scenarios } from '../../src/demo/scenarios.ts';
import { Shop } from '../../src/demo/shop.ts';
import { shopConfig, shopConfigName } from '../../src/demo/shop-config.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const parseShopConfig = () => {
  const parsed = parseSettings(shopConfig, shopConfigName, {});
  assert.deepEqual(parsed.ok ? [] : parsed.problems, []);
  assert.ok(parsed.ok);
  return parsed.settings;
};

test('the configuration is valid as it is printed, without any variable', () => {
  assert.equal(parseShopConfig().upstreams.length, 6);
});

test('every service has its place in the configuration', async (t) => {
  const shop = new Shop({ clock: new VirtualClock(), random: () => 0.5 });
  t.after(() => shop.close());
  await shop.open();

  const parsed = parseSettings(shopConfig, shopConfigName, shop.variables);

  assert.ok(parsed.ok);
  const used = JSON.stringify(parsed.settings);
  for (const address of Object.values(shop.variables)) {
    const [, port] = address.split(':');
    assert.ok(used.includes(`"port":${port}`) || used.includes(address), `${address} is not used`);
  }
});

test('every command that a scenario tells of is one of the configuration', () => {
  const commands = new Set(
    parseShopConfig().upstreams.flatMap(({ name, routes }) => [
      name,
      ...routes.map((route) => `${name}.${route.name}`),
    ]),
  );
  const unknown = scenarios.flatMap((scenario) => scenario.commands.filter((name) => !commands.has(name)));
  assert.deepEqual(unknown, []);
});

for (const scenario of scenarios) {
  test(`${scenario.name} goes forward in time, does harm, and ends with everything well`, () => {
    const done: string[] = [];
    const shop: ShopControls = {
      misbehave: (name) => done.push(`harm to ${name}`),
      call: (command) => done.push(`calls to ${command}`),
      recover: () => done.push('recovery'),
    };

    for (const step of scenario.steps) step.act(shop);

    const times = scenario.steps.map(({ atMs }) => atMs);
    assert.equal(times[0], 0);
    assert.deepEqual(
      times,
      [...new Set(times)].toSorted((a, b) => a - b),
    );
    assert.equal(done.at(-1), 'recovery');
    assert.equal(done.filter((what) => what === 'recovery').length, 1);
    assert.equal(done.length, scenario.steps.length);
  });
}

test('no two scenarios have the same name', () => {
  assert.equal(new Set(scenarioNames).size, scenarios.length);
});

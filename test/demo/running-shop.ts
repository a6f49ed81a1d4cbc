import assert from 'node:assert/strict';
import { parseSettings } from '../../src/config/parse-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import { type Scenario, scenarios } from '../../src/demo/scenarios.ts';
import { Shop } from '../../src/demo/shop.ts';
import { shopConfig, shopConfigName } from '../../src/demo/shop-config.ts';
import { startApp } from '../../src/runtime/app.ts';
import { Signal } from '../rig/eventually.ts';
import type { Owner } from '../rig/owner.ts';
import { type LogLine, Sidecar } from '../rig/sidecar.ts';
import { fastClock } from './fast-clock.ts';

/** How much faster everything goes in the tests: services, traffic, and what the sidecar's policies wait for. */
const usualPace = 5;

/** Every duration within, divided by the pace, and every rate multiplied; timeouts stay: a busy machine is no scenario. */
const quicken = (value: unknown, pace: number): unknown => {
  if (Array.isArray(value)) return value.map((each) => quicken(each, pace));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  const entries = Object.entries(value).map(([key, inner]) => {
    if (key === 'timeout') return [key, inner];
    if (typeof inner !== 'number') return [key, quicken(inner, pace)];
    if (key.endsWith('PerSecond')) return [key, inner * pace];
    return [key, key.endsWith('Ms') ? inner / pace : inner];
  });
  return Object.fromEntries(entries);
};

/** The shop and the sidecar of the demo, with traffic, at a pace. */
export class RunningShop {
  readonly shop: Shop;
  readonly sidecar: Sidecar;
  readonly #changed: Signal;
  readonly #lines: readonly LogLine[];

  constructor(shop: Shop, sidecar: Sidecar, lines: readonly LogLine[], changed: Signal) {
    this.shop = shop;
    this.sidecar = sidecar;
    this.#lines = lines;
    this.#changed = changed;
  }

  /** The changes of a breaker so far, as `closed -> open`. */
  changesOf(command: string): string[] {
    return this.#lines
      .filter((line) => line['event'] === 'breaker.transition' && line['command'] === command)
      .map(({ from, to }) => `${from} -> ${to}`);
  }

  /** The first line of the log that has all of these fields, as soon as there is one. */
  line(fields: LogLine): Promise<LogLine> {
    const wanted = Object.entries(fields);
    return this.#changed.until(
      () => this.#lines.find((line) => wanted.every(([key, value]) => line[key] === value)) ?? null,
    );
  }

  /** Resolves when a breaker has become that. */
  breaker(command: string, to: 'open' | 'half_open' | 'closed'): Promise<LogLine> {
    return this.line({ event: 'breaker.transition', command, to });
  }
}

/** Starts everything but the scenarios, which the test takes through their steps itself. */
export const startShop = async (owner: Owner, pace = usualPace): Promise<RunningShop> => {
  const shop = new Shop({ clock: fastClock(pace), random: Math.random });
  owner.after(() => shop.close());
  await shop.open();
  const parsed = parseSettings(shopConfig, shopConfigName, shop.variables, [
    { path: ['egress', 'address'], text: '127.0.0.1:0', origin: '--egress' },
    { path: ['admin', 'address'], text: '127.0.0.1:0', origin: '--admin' },
  ]);
  assert.ok(parsed.ok);
  const upstreams = quicken(parsed.settings.upstreams, pace) as Settings['upstreams'];
  const lines: LogLine[] = [];
  const changed = new Signal();
  const app = await startApp(
    { ...parsed.settings, upstreams },
    {
      logLine: (line) => {
        lines.push(JSON.parse(line) as LogLine);
        changed.raise();
      },
    },
  );
  owner.after(() => app.close());
  shop.traffic.start(app.egress);
  return new RunningShop(shop, new Sidecar(app, lines), lines, changed);
};

/** The scenario of that name. */
export const scenarioNamed = (name: string): Scenario => scenarios.find((each) => each.name === name)!;

import { parseSettings } from '../../src/config/parse-settings.ts';
import { type RunningApp, startApp } from '../../src/runtime/app.ts';
import { eventually } from './eventually.ts';
import { fetchText, type Metrics, scrape } from './metrics.ts';
import type { Owner, RigAddress } from './owner.ts';

/** A configuration as the file would hold it; ports of the sidecar itself are chosen by the system. */
export type ConfigText = Readonly<Record<string, unknown>>;

/** A line of the log, as it was written. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The product, running in this process: the only place that knows how it is started. */
export class Sidecar {
  readonly app: RunningApp;
  readonly #lines: LogLine[];

  constructor(app: RunningApp, lines: LogLine[]) {
    this.app = app;
    this.#lines = lines;
  }

  get egress(): RigAddress {
    return this.app.egress;
  }

  get admin(): RigAddress {
    return this.app.admin;
  }

  /** The upstream's own port. */
  listener(upstream: string): RigAddress {
    const address = this.app.listeners.get(upstream);
    if (address === undefined) throw new Error(`${upstream} has no port of its own`);
    return address;
  }

  metrics(): Promise<Metrics> {
    return scrape(this.admin);
  }

  /** The sum of a metric over the series that carry these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.metrics()).sum(name, labels);
  }

  /** Waits until a metric has this value. */
  async metricIs(name: string, labels: Readonly<Record<string, string>>, value: number): Promise<void> {
    await eventually(
      `${name} ${JSON.stringify(labels)} is ${value}`,
      async () => (await this.metric(name, labels)) === value,
    );
  }

  /** What the admin interface says of one command. */
  async breaker(name: string): Promise<Readonly<Record<string, unknown>>> {
    const { status, text } = await fetchText(this.admin, `/breakers/${name}`);
    if (status !== 200) throw new Error(`/breakers/${name} answered ${status}: ${text}`);
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  }

  /** The lines of the access log so far. */
  get accessLog(): readonly LogLine[] {
    return this.#lines.filter((line) => 'status' in line && 'attempts' in line);
  }

  /** Waits for the line of that index (0: the first). */
  async accessLineAt(index: number): Promise<LogLine> {
    await eventually(`line ${index} of the access log`, () => this.accessLog.length > index);
    return this.accessLog[index]!;
  }
}

const withPorts = (config: ConfigText): ConfigText => ({
  admin: { address: '127.0.0.1:0' },
  log: { level: 'info', format: 'json', access: 'all' },
  ...config,
  egress: { address: '127.0.0.1:0', ...(config['egress'] as object | undefined) },
});

/** Starts the product with this configuration; it goes with its owner. */
export const startSidecar = async (owner: Owner, config: ConfigText): Promise<Sidecar> => {
  const parsed = parseSettings(JSON.stringify(withPorts(config), null, 2), 'test.json', {});
  if (!parsed.ok) throw new Error(`invalid configuration: ${JSON.stringify(parsed.problems, null, 2)}`);
  const lines: LogLine[] = [];
  const app = await startApp(parsed.settings, {
    logLine: (line: string) => lines.push(JSON.parse(line) as LogLine),
  });
  owner.after(() => app.close());
  return new Sidecar(app, lines);
};

/** An HTTP upstream called `u`, known as `u.test`, at these endpoints, with a port of its own. */
export const upstreamU = (endpoints: readonly string[], more: ConfigText = {}): ConfigText => ({
  upstreams: { u: { hosts: ['u.test'], listen: '127.0.0.1:0', endpoints, ...more } },
});

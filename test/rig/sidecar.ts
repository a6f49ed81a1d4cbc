import type { ReloadReport } from '../../src/admin/admin-port.ts';
import type { LoadedSettings } from '../../src/config/load-settings.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { startApp } from '../../src/runtime/app.ts';
import type { RunningApp } from '../../src/runtime/running-app.ts';
// Loaded beforehand: else a test's first look at a metric is as slow as its loading.
import '../../src/telemetry/metrics.ts';
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
  readonly #file: { config: ConfigText };

  constructor(app: RunningApp, lines: LogLine[], file: { config: ConfigText } = { config: {} }) {
    this.app = app;
    this.#lines = lines;
    this.#file = file;
  }

  /** Puts another configuration in force: what changed, in words. */
  async reload(config: ConfigText): Promise<string> {
    const { result, why } = await this.tryReload(config);
    if (result !== 'succeeded') throw new Error(`the reload ${result}: ${why}`);
    return why;
  }

  /** Writes another configuration, right or wrong, and has it read. */
  tryReload(config: ConfigText): Promise<ReloadReport> {
    this.nextConfig = config;
    return this.app.reload();
  }

  /** What the next reload will read. */
  set nextConfig(config: ConfigText) {
    this.#file.config = config;
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

  /** The lines of the log that tell of this event. */
  logged(event: string): readonly LogLine[] {
    return this.#lines.filter((line) => line['event'] === event);
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

const fileName = 'test.json';

const load = (config: ConfigText): LoadedSettings => {
  const parsed = parseSettings(JSON.stringify(withPorts(config), null, 2), fileName, {});
  const files = new Map();
  return parsed.ok ? { ...parsed, source: fileName, path: fileName, files } : { ...parsed, files };
};

/** Starts the product with this configuration; it goes with its owner. */
export const startSidecar = async (owner: Owner, config: ConfigText): Promise<Sidecar> => {
  const loaded = load(config);
  if (!loaded.ok) throw new Error(`invalid configuration: ${JSON.stringify(loaded.problems, null, 2)}`);
  const lines: LogLine[] = [];
  const file = { config };
  const app = await startApp(loaded.settings, {
    // The configuration is the test's own object: there is no file to watch.
    file: { path: null, files: new Map(), load: () => load(file.config) },
    logLine: (line: string) => lines.push(JSON.parse(line) as LogLine),
  });
  owner.after(() => app.close());
  return new Sidecar(app, lines, file);
};

/** An HTTP upstream called `u`, known as `u.test`, at these endpoints, with a port of its own. */
export const upstreamU = (endpoints: readonly string[], more: ConfigText = {}): ConfigText => ({
  upstreams: { u: { hosts: ['u.test'], listen: '127.0.0.1:0', endpoints, ...more } },
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenMetricsContentType } from 'prom-client';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import type { Clock } from '../lib/clock.ts';
import {
  CollectedCounter,
  CollectedGauge,
  CollectedHistogram,
  OpenMetricsTwin,
} from './collected-metrics.ts';
import type { Commands } from './commands.ts';
import type { LookupResult } from './events.ts';
import type { Sample, TotalsPart } from './metric-samples.ts';
import * as read from './metric-samples.ts';

/** What a declared upstream shows beside its commands. */
export interface UpstreamMetrics {
  readonly name: string;
  /** Retries that the budget would allow now. */
  readonly retryBudgetTokens: number;
  /** Endpoints by state. */
  readonly endpoints: { readonly available: number; readonly passedOver: number };
  /** Lookups of its declared name by how they ended; null: it has none. */
  readonly dnsLookups: Readonly<Record<LookupResult, number>> | null;
}

/** Where the figures come from at a scrape. */
export interface MetricsSource {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly version: string;
  /** Declared upstreams; unlisted destinations have no series of their own. */
  upstreams(): Iterable<UpstreamMetrics>;
  reloads(): { readonly succeeded: number; readonly failed: number; readonly lastSucceeded: boolean };
  /** CONNECT and upgrades that are open. */
  tunnels(): number;
  /** Log lines that were dropped because nobody took them. */
  logLinesDropped(): number;
  /** Errors that listeners of the bus threw. */
  listenerErrors(): number;
}

/** An exposition, ready to be sent. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** True when `accept` prefers OpenMetrics to plain text. */
export const prefersOpenMetrics = (accept: string): boolean => {
  let openMetrics = 0;
  let text = 0;
  for (const item of accept.split(',')) {
    const [type = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number.parseFloat(quality.slice(2)) || 0;
    if (type === 'application/openmetrics-text') openMetrics = Math.max(openMetrics, weight);
    else if (type === 'text/plain') text = Math.max(text, weight);
  }
  return openMetrics > 0 && openMetrics >= text;
};

/** Commands whose lines are made at once: with their histograms some 900. */
const PART = 50;

/** One part, for metrics that are not of commands. */
const whole: readonly TotalsPart[] = [[]];

/** At least one part, for the metric's own lines. */
const partsOf = (totals: TotalsPart): readonly TotalsPart[] => {
  const parts: TotalsPart[] = [];
  for (let at = 0; at === 0 || at < totals.length; at += PART) parts.push(totals.slice(at, at + PART));
  return parts;
};

/** The lines of a part without the two that say what the metric is. */
const withoutHead = (text: string): string => {
  const end = text.indexOf('\n', text.indexOf('\n') + 1);
  return end < 0 ? '' : text.slice(end);
};

/**
 * The Prometheus side: a registry of its own whose metrics read the commands' totals when they are scraped. The number
 * of series is bounded by the configuration and the closed lists of outcomes, reasons and statuses.
 */
export class Metrics {
  readonly #commands: Commands;
  /** Whose totals the metrics of commands tell of at this moment: a page is made part by part. */
  #part: TotalsPart = [];
  /** The names of those metrics. */
  readonly #inParts = new Set<string>();
  readonly #text = new Registry();
  readonly #openMetrics = new Registry<OpenMetricsContentType>();
  readonly #rendering = new Map<Registry | Registry<OpenMetricsContentType>, Promise<MetricsPage>>();

  constructor(source: MetricsSource) {
    this.#commands = source.commands;
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    this.#registerCommands(source);
    this.#registerProcess(source);
    collectDefaultMetrics({ register: this.#text });
    for (const { name } of this.#text.getMetricsAsArray()) {
      const original = this.#text.getSingleMetric(name);
      if (original === undefined) continue;
      const twinName = original instanceof Counter ? name.replace(/_total$/, '') : name;
      new OpenMetricsTwin(original, twinName, this.#openMetrics);
      if (this.#inParts.has(name)) this.#inParts.add(twinName);
    }
  }

  /** Renders for a scraper that sent this `Accept`. Scrapes at the same time share one rendering. */
  async page(accept: string): Promise<MetricsPage> {
    const registry = prefersOpenMetrics(accept) ? this.#openMetrics : this.#text;
    let rendering = this.#rendering.get(registry);
    if (rendering === undefined) {
      rendering = this.#render(registry).finally(() => this.#rendering.delete(registry));
      this.#rendering.set(registry, rendering);
    }
    return rendering;
  }

  async #render(registry: Registry | Registry<OpenMetricsContentType>): Promise<MetricsPage> {
    const blocks: string[] = [];
    const parts = partsOf([...this.#commands.totals()]);
    for (const { name } of registry.getMetricsAsArray()) {
      blocks.push(await this.#block(registry, name, this.#inParts.has(name) ? parts : whole));
    }
    if (registry === this.#openMetrics) blocks.push('# EOF');
    return { contentType: registry.contentType, text: `${blocks.join('\n')}\n` };
  }

  /** A metric with all its lines. A thousand routes make many: requests go on between two parts of them. */
  async #block(
    registry: Registry | Registry<OpenMetricsContentType>,
    name: string,
    parts: readonly TotalsPart[],
  ): Promise<string> {
    let block = '';
    for (const part of parts) {
      // Read in the call itself: another page may be on its way at the same time.
      this.#part = part;
      const text = await registry.getSingleMetricAsString(name);
      block += block === '' ? text : withoutHead(text);
      await nextTurn();
    }
    return block;
  }

  #commandCounter(name: string, help: string, collect: (part: TotalsPart) => Sample[]): void {
    this.#counter(name, help, () => collect(this.#part));
    this.#inParts.add(`outrigger_${name}`);
  }

  #counter(name: string, help: string, collect: () => Sample[]): void {
    new CollectedCounter({ name: `outrigger_${name}`, help, registers: [this.#text] }, collect);
  }

  #gauge(name: string, help: string, collect: () => Sample[]): void {
    new CollectedGauge({ name: `outrigger_${name}`, help, registers: [this.#text] }, collect);
  }

  #registerCommands({ commands }: MetricsSource): void {
    this.#commandCounter(
      'requests_total',
      'Requests, by how they ended and by the status that the app was sent',
      read.requestSamples,
    );
    const durations = 'outrigger_request_duration_seconds';
    new CollectedHistogram(
      {
        name: durations,
        help: 'Requests from their arrival to the end of the body',
        registers: [this.#text],
      },
      () => read.durationSamples(durations, this.#part),
    );
    this.#inParts.add(durations);
    this.#commandCounter(
      'attempts_total',
      'Attempts sent upstream, as judged at the response head',
      read.attemptSamples,
    );
    this.#gauge(
      'breaker_state',
      '0 closed, 1 half-open, 2 open; for unlisted destinations how many are in each state',
      () => read.breakerStateSamples(commands),
    );
    this.#commandCounter(
      'breaker_transitions_total',
      'Changes of the state of breakers',
      read.transitionSamples,
    );
    this.#gauge('bulkhead_in_flight', 'Requests that hold a place of the bulkhead', () =>
      read.bulkheadSamples(commands, (bulkhead) => bulkhead.inFlight),
    );
    this.#gauge('bulkhead_queued', 'Requests that wait for a place of the bulkhead', () =>
      read.bulkheadSamples(commands, (bulkhead) => bulkhead.queued),
    );
    this.#commandCounter('rejected_total', 'Requests that a policy or a rule refused', read.rejectionSamples);
    this.#commandCounter(
      'retries_total',
      'Attempts after the first, by what failed before',
      read.retrySamples,
    );
    this.#commandCounter(
      'retries_skipped_total',
      'Retries that did not happen, by what forbade them',
      read.skippedRetrySamples,
    );
    this.#commandCounter(
      'tunnels_closed_total',
      'Tunnels that have ended, by who closed them and how',
      read.tunnelSamples,
    );
    this.#commandCounter(
      'tunnel_bytes_total',
      'Bytes through tunnels that have ended, by direction',
      read.tunnelByteSamples,
    );
  }

  #registerProcess(source: MetricsSource): void {
    this.#gauge('retry_budget_tokens', 'Retries that the budget of an upstream would allow now', () =>
      Array.from(source.upstreams(), ({ name, retryBudgetTokens }) => ({
        labels: { upstream: name },
        value: retryBudgetTokens,
      })),
    );
    this.#gauge('upstream_endpoints', 'Endpoints of an upstream, by state', () =>
      Array.from(source.upstreams(), ({ name, endpoints }) => [
        { labels: { upstream: name, state: 'available' }, value: endpoints.available },
        { labels: { upstream: name, state: 'passed_over' }, value: endpoints.passedOver },
      ]).flat(),
    );
    this.#counter('dns_lookups_total', 'Lookups of the declared name of an upstream, by how they ended', () =>
      Array.from(source.upstreams(), ({ name, dnsLookups }) =>
        Object.entries(dnsLookups ?? {}).map(([result, value]) => ({
          labels: { upstream: name, result },
          value,
        })),
      ).flat(),
    );
    this.#gauge('tunnels_open', 'Tunnels that CONNECT and upgrades have opened', () => [
      { labels: {}, value: source.tunnels() },
    ]);
    this.#counter('config_reloads_total', 'Reloads of the configuration', () => [
      { labels: { result: 'success' }, value: source.reloads().succeeded },
      { labels: { result: 'failure' }, value: source.reloads().failed },
    ]);
    this.#gauge('config_last_reload_success', '1 when the last reload, or the start, succeeded', () => [
      { labels: {}, value: source.reloads().lastSucceeded ? 1 : 0 },
    ]);
    this.#counter('log_lines_dropped_total', 'Log lines that nobody took in time', () => [
      { labels: {}, value: source.logLinesDropped() },
    ]);
    this.#counter('listener_errors_total', 'Defects in listeners to events', () => [
      { labels: {}, value: source.listenerErrors() },
    ]);
    this.#gauge('build_info', 'What is running', () => [
      { labels: { version: source.version, node: process.version }, value: 1 },
    ]);
  }
}

/** More than the 10 ms after which the event loop is looked at again. Before two looks, its least delay is a century or so. */
const LOOK_MS = 15;

/**
 * The figures of a process that nobody has asked so far. What is counted elsewhere is complete; CPU seconds, collections of
 * garbage and the event loop are watched from here on, which is all that a rate between two scrapes can tell of.
 */
export const startMetrics = async (source: MetricsSource): Promise<Metrics> => {
  const metrics = new Metrics(source);
  for (let looks = 0; looks < 2; looks++) {
    await new Promise<void>((resolve) => source.clock.after(LOOK_MS, resolve));
  }
  return metrics;
};

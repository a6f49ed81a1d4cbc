import type {
  CounterConfiguration,
  GaugeConfiguration,
  Metric,
  OpenMetricsContentType,
  Registry,
} from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { HistogramSample, Sample } from './metric-samples.ts';

/** The values as they are now: read in the call of `get` itself, before it waits for anything. */
type Collect = () => Sample[];

/** A counter whose values are counted elsewhere and handed over at a scrape. */
export class CollectedCounter extends Counter {
  readonly #collect: Collect;

  constructor(configuration: CounterConfiguration<string>, collect: Collect) {
    super(configuration);
    this.#collect = collect;
  }

  override async get() {
    const values = this.#collect();
    return { ...(await super.get()), values };
  }
}

/** A gauge of the same kind. */
export class CollectedGauge extends Gauge {
  readonly #collect: Collect;

  constructor(configuration: GaugeConfiguration<string>, collect: Collect) {
    super(configuration);
    this.#collect = collect;
  }

  override async get() {
    const values = this.#collect();
    return { ...(await super.get()), values };
  }
}

/** A histogram whose buckets are counted elsewhere. prom-client has no way to set those: it is a gauge in name only. */
export class CollectedHistogram extends Gauge {
  readonly #shape: Histogram;
  readonly #collect: () => HistogramSample[];

  constructor(configuration: GaugeConfiguration<string>, collect: () => HistogramSample[]) {
    super(configuration);
    this.#shape = new Histogram({ name: configuration.name, help: configuration.help, registers: [] });
    this.#collect = collect;
  }

  override async get() {
    const values = this.#collect();
    return { ...(await this.#shape.get()), values };
  }
}

/** The same metric for OpenMetrics, whose counters are named without `_total`; prom-client would rename the original. */
export class OpenMetricsTwin extends Gauge {
  readonly #original: Metric;
  readonly #name: string;

  constructor(original: Metric, name: string, registry: Registry<OpenMetricsContentType>) {
    super({ name, help: 'see the original', registers: [registry] });
    this.#original = original;
    this.#name = name;
  }

  override async get() {
    return { ...(await this.#original.get()), name: this.#name };
  }
}

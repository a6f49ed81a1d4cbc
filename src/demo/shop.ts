import type { Clock } from '../lib/clock.ts';
import { type Behaviour, ShopService, wellBehaved } from './shop-service.ts';
import { type Call, Traffic } from './traffic.ts';

export interface ShopOptions {
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** The variable of the configuration that gets each service's address, how it answers, and with what. */
const services = {
  catalogue: ['DEMO_CATALOGUE', wellBehaved, '{"name":"tin boat","price":1250}'],
  recommendations: ['DEMO_RECOMMENDATIONS', { ...wellBehaved, delayMs: 40 }, '{"items":[7,11,13]}'],
  payments: ['DEMO_PAYMENTS', { ...wellBehaved, delayMs: 60 }, '{"paid":true}'],
  'stock-1': ['DEMO_STOCK_1', wellBehaved, '{"left":3}'],
  'stock-2': ['DEMO_STOCK_2', wellBehaved, '{"left":3}'],
  'stock-3': ['DEMO_STOCK_3', wellBehaved, '{"left":3}'],
  reviews: ['DEMO_REVIEWS', { ...wellBehaved, delayMs: 30 }, '{"ratings":[5,4,5]}'],
  search: ['DEMO_SEARCH', { ...wellBehaved, delayMs: 5, workerMs: 40 }, '{"found":[1,2,3]}'],
} as const satisfies Readonly<Record<string, readonly [variable: string, usual: Behaviour, body: string]>>;

export type ServiceName = keyof typeof services;

/** What the app calls: about 80 requests per second in all. */
const calls: readonly Call[] = [
  get('catalogue', (id) => `/products/${id}`, 15),
  get('catalogue.prices', (id) => `/prices/${id}`, 12),
  get('recommendations', (id) => `/for/${id}`, 10),
  {
    command: 'payments',
    host: 'payments',
    method: 'POST',
    path: () => '/charges',
    // A charge that carries a key may be sent twice without being made twice.
    headers: (id) => ({ 'idempotency-key': `order-${id}`, 'content-length': '0' }),
    perSecond: 10,
  },
  get('stock', (id) => `/items/${id}`, 15),
  get('reviews', (id) => `/products/${id}`, 6),
  get('reviews.ratings', (id) => `/ratings/${id}`, 10),
  get('search', (id) => `/search?q=boat+${id}`, 6),
];

function get(command: string, path: Call['path'], perSecond: number): Call {
  return { command, host: command.split('.')[0]!, method: 'GET', path, perSecond };
}

/** A small shop: services that can be made to misbehave, and the traffic of an app that calls them. */
export class Shop {
  readonly traffic: Traffic;
  readonly #services: ReadonlyMap<ServiceName, ShopService>;

  constructor({ clock, random }: ShopOptions) {
    this.traffic = new Traffic({ calls, clock, random });
    this.#services = new Map(
      serviceNames.map((name) => {
        const [, usual, body] = services[name];
        return [name, new ShopService({ usual, body, clock, random })];
      }),
    );
  }

  /** Starts the services, each on a port that the system chooses. */
  async open(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.listen()));
  }

  /** The variables of the configuration: where the services listen. */
  get variables(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      serviceNames.map((name) => [services[name][0], this.#services.get(name)!.address]),
    );
  }

  /** From now on the service answers as usual but for this. */
  misbehave(name: ServiceName, change: Partial<Behaviour>): void {
    this.#services.get(name)!.misbehave(change);
  }

  /** How often the app calls a command from now on. */
  call(command: string, perSecond: number): void {
    this.traffic.setRate(command, perSecond);
  }

  /** Everything is as usual again. */
  recover(): void {
    for (const service of this.#services.values()) service.misbehave({});
    for (const { command } of calls) this.traffic.setRate(command, null);
  }

  /** Ends the traffic and the services, whatever is under way. */
  async close(): Promise<void> {
    this.traffic.stop();
    await Promise.all([...this.#services.values()].map((service) => service.close()));
  }
}

const serviceNames = Object.keys(services) as ServiceName[];

import type { Shop } from './shop.ts';

/** What a scenario may do to the shop. */
export type ShopControls = Pick<Shop, 'misbehave' | 'call' | 'recover'>;

/** Something that begins, gets worse or ends. */
export interface ScenarioStep {
  /** Since the scenario's beginning. */
  readonly atMs: number;
  /** What is the matter from now on. */
  readonly news: string;
  /** What to look at, and what will be seen there. */
  readonly watch: string;
  readonly act: (shop: ShopControls) => void;
}

/** One kind of trouble from its beginning to its end. */
export interface Scenario {
  /** What `--scenario` calls it. */
  readonly name: string;
  /** In a few words, for the list. */
  readonly title: string;
  /** The commands whose calls are added up from step to step. */
  readonly commands: readonly string[];
  /** In the order of time; in the last one everything is well again. */
  readonly steps: readonly ScenarioStep[];
}

const recover = (shop: ShopControls): void => shop.recover();

/** Everything that can happen in the shop, in the order in which it does. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'slow',
    title: 'recommendations gets slow: a breaker opens although nothing fails',
    commands: ['recommendations'],
    steps: [
      {
        atMs: 0,
        news: 'recommendations answers after 2 s now, instead of 40 ms',
        watch: 'its calls in flight pile up to 20; at 80 % slow ones its breaker opens, and refuses at once',
        act: (shop) => shop.misbehave('recommendations', { delayMs: 2000 }),
      },
      {
        atMs: 20_000,
        news: 'recommendations is as fast as before',
        watch: 'within 4 s the next probe finds out, and the breaker closes',
        act: recover,
      },
    ],
  },
  {
    name: 'flaky',
    title: 'payments fails now and then, and then nearly always: retries, and where they end',
    commands: ['payments'],
    steps: [
      {
        atMs: 0,
        news: 'payments answers one charge in five with 503 now',
        watch: 'retries make up for nearly all of it; its retry budget pays for them and shrinks',
        act: (shop) => shop.misbehave('payments', { failPercent: 20 }),
      },
      {
        atMs: 12_000,
        news: 'payments fails nine times in ten now: retries would only add to its load',
        watch: 'the retry budget runs out, and at 50 % errors its breaker opens',
        act: (shop) => shop.misbehave('payments', { failPercent: 90 }),
      },
      {
        atMs: 22_000,
        news: 'payments works again',
        watch: 'within 4 s the next probe closes its breaker, and the budget fills up',
        act: recover,
      },
    ],
  },
  {
    name: 'dead-endpoint',
    title: 'one of the three endpoints of stock dies: nobody notices',
    commands: ['stock'],
    steps: [
      {
        atMs: 0,
        news: 'the second of the three endpoints of stock is dead: it resets every connection',
        watch:
          'that endpoint is passed over, for longer each time; no call fails, and the breaker stays closed',
        act: (shop) => shop.misbehave('stock-2', { isDead: true }),
      },
      {
        atMs: 12_000,
        news: 'the second endpoint of stock is back',
        watch: 'with its next trial, seconds from now, it gets its share again',
        act: recover,
      },
    ],
  },
  {
    name: 'outage',
    title: 'reviews dies altogether: a breaker for each route, and a fallback',
    commands: ['reviews', 'reviews.ratings'],
    steps: [
      {
        atMs: 0,
        news: 'reviews is dead: it resets every connection',
        watch:
          'both of its breakers open; calls to reviews get a 503 at once, ratings its fallback and no error',
        act: (shop) => shop.misbehave('reviews', { isDead: true }),
      },
      {
        atMs: 15_000,
        news: 'reviews is back',
        watch: 'within 4 s the next probes close its breakers',
        act: recover,
      },
    ],
  },
  {
    name: 'overload',
    title: 'search is asked more than it can do: a bulkhead sheds what is too much',
    commands: ['search'],
    steps: [
      {
        atMs: 0,
        news: 'everybody searches: 60 searches a second instead of 6, and search can do 25',
        watch:
          'its bulkhead is full: 6 in flight, 6 queued, the rest refused; the service goes on at its best',
        act: (shop) => shop.call('search', 60),
      },
      {
        atMs: 15_000,
        news: 'the rush on search is over',
        watch: 'the bulkhead empties at once; its breaker was never open',
        act: recover,
      },
    ],
  },
];

/** The scenarios' names, in their order. */
export const scenarioNames: readonly string[] = scenarios.map(({ name }) => name);

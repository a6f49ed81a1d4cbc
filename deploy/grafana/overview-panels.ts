import { chosen, command, failed, here, quantile, type RowDescription, rate } from './panel-description.ts';

/** The first row: is anything wrong? */
export const overviewRow: RowDescription = {
  title: 'Overview',
  panels: [
    {
      title: 'Breakers that are not closed',
      about: 'Over all processes that are chosen. Unlisted destinations are not among them.',
      kind: 'number',
      unit: 'none',
      width: 4,
      queries: [
        [`count(outrigger_breaker_state{${chosen},upstream!="unlisted"} > 0) or vector(0)`, 'not closed'],
      ],
      limits: [1, 1],
    },
    {
      title: 'Requests',
      about: 'Requests of the apps, counted when they end.',
      kind: 'number',
      unit: 'reqps',
      width: 4,
      queries: [[`sum(${rate('requests_total')})`, 'requests']],
    },
    {
      title: 'Errors',
      about: 'The share of requests that failed or were refused. What a fallback answered is no error.',
      kind: 'number',
      unit: 'percentunit',
      width: 4,
      queries: [[`(sum(${failed}) or vector(0)) / sum(${rate('requests_total')})`, 'errors']],
      limits: [0.01, 0.05],
    },
    {
      title: '99 of 100 are faster than',
      about: 'Requests from their arrival to the end of the body.',
      kind: 'number',
      unit: 's',
      width: 4,
      queries: [[quantile(0.99, 'le'), 'p99']],
    },
    {
      title: 'In flight',
      about: 'Requests that hold a place of a bulkhead.',
      kind: 'number',
      unit: 'none',
      width: 4,
      queries: [[`sum(outrigger_bulkhead_in_flight{${chosen}})`, 'in flight']],
    },
    {
      title: 'Sidecars',
      about: 'Processes that are chosen and scraped.',
      kind: 'number',
      unit: 'none',
      width: 4,
      queries: [[`count(outrigger_build_info{${here}})`, 'sidecars']],
    },
    {
      title: 'Breakers',
      about:
        'The state that callers meet; of several processes the worst. Choose one instance to see its own.',
      kind: 'states',
      unit: 'none',
      width: 24,
      queries: [
        [`max by (upstream, route) (outrigger_breaker_state{${chosen},upstream!="unlisted"})`, command],
      ],
    },
    {
      title: 'Requests by outcome',
      about:
        'rejected: a policy or a rule said no. fallback: the fallback answered. cancelled: the app left.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (outcome) (${rate('requests_total')})`, '{{outcome}}']],
    },
    {
      title: 'Errors by upstream',
      about: 'The share of requests that failed or were refused. No line: none did.',
      kind: 'lines',
      unit: 'percentunit',
      width: 8,
      queries: [
        [
          `sum by (upstream, route) (${failed}) / on (upstream, route) sum by (upstream, route) (${rate('requests_total')})`,
          command,
        ],
      ],
    },
    {
      title: 'Latency',
      about: 'Requests from their arrival to the end of the body: of 100 so many are faster.',
      kind: 'lines',
      unit: 's',
      width: 8,
      queries: [
        [quantile(0.5, 'le'), 'p50'],
        [quantile(0.95, 'le'), 'p95'],
        [quantile(0.99, 'le'), 'p99'],
      ],
    },
  ],
};

import { command, here, quantile, type RowDescription, rate } from './panel-description.ts';

/** What became of calls, and why. */
export const callRow: RowDescription = {
  title: 'Calls of the upstreams that are chosen',
  panels: [
    {
      title: 'Requests by status',
      about: 'What the app was sent: 499 stands for an app that left, and nothing for a TCP connection.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (code) (${rate('requests_total')})`, '{{code}}']],
    },
    {
      title: 'Attempts by outcome',
      about: 'What was sent to endpoints, retries among it, with the reason of what failed.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (outcome, reason) (${rate('attempts_total')})`, '{{outcome}} {{reason}}']],
    },
    {
      title: 'Slowest of a hundred',
      about: 'The 99th percentile of requests.',
      kind: 'lines',
      unit: 's',
      width: 8,
      queries: [[quantile(0.99, 'upstream, route, le'), command]],
    },
    {
      title: 'Refused by reason',
      about: 'Nothing of these was sent. The reasons: docs/reasons.md.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (upstream, reason) (${rate('rejected_total')})`, '{{upstream}} {{reason}}']],
    },
    {
      title: 'Changes of breakers',
      about:
        'A minute. A breaker that opens again and again belongs to a dependency that works half of the time.',
      kind: 'lines',
      unit: 'cpm',
      width: 8,
      queries: [
        [
          `60 * sum by (upstream, route, from, to) (${rate('breaker_transitions_total')})`,
          `${command}: {{from}} to {{to}}`,
        ],
      ],
    },
    {
      title: 'Breakers of unlisted destinations',
      about: 'How many are in each state. Which they are, GET /breakers says.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [[`sum by (state) (outrigger_breaker_state{${here},upstream="unlisted"})`, '{{state}}']],
    },
  ],
};

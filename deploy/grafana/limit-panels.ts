import { chosen, command, here, type RowDescription, rate } from './panel-description.ts';

/** What holds calls back or repeats them, and where they go. */
export const limitRow: RowDescription = {
  title: 'Retries, places and endpoints of the upstreams that are chosen',
  panels: [
    {
      title: 'Retries by what failed before',
      about: 'Attempts after the first.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (upstream, reason) (${rate('retries_total')})`, '{{upstream}} {{reason}}']],
    },
    {
      title: 'Retries that did not happen',
      about: 'By what forbade them. budget: failures are too many for retries to help.',
      kind: 'stacked',
      unit: 'reqps',
      width: 8,
      queries: [[`sum by (upstream, reason) (${rate('retries_skipped_total')})`, '{{upstream}} {{reason}}']],
    },
    {
      title: 'Retry budget',
      about: 'Retries that would be allowed now, in the process that has fewest left.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [[`min by (upstream) (outrigger_retry_budget_tokens{${chosen}})`, '{{upstream}}']],
    },
    {
      title: 'Bulkhead: in flight',
      about:
        'Requests, and open connections of TCP upstreams, that hold a place. The limit is bulkhead.concurrency.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [[`sum by (upstream, route) (outrigger_bulkhead_in_flight{${chosen}})`, command]],
    },
    {
      title: 'Bulkhead: waiting',
      about: 'Requests that wait for a place. The limit is bulkhead.queue.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [[`sum by (upstream, route) (outrigger_bulkhead_queued{${chosen}})`, command]],
    },
    {
      title: 'Endpoints',
      about: 'passed_over: left out for a while, since it refused or reset connections.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [
        [`sum by (upstream, state) (outrigger_upstream_endpoints{${chosen}})`, '{{upstream}} {{state}}'],
      ],
    },
    {
      title: 'Lookups of names',
      about: 'A second, by how they ended. After one that failed the addresses of before are kept.',
      kind: 'lines',
      unit: 'ops',
      width: 8,
      queries: [[`sum by (upstream, result) (${rate('dns_lookups_total')})`, '{{upstream}} {{result}}']],
    },
    {
      title: 'Tunnels: open, and closed a second',
      about: 'CONNECT and upgrades that are open; and how tunnels ended, those of TCP upstreams among them.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [
        [`sum(outrigger_tunnels_open{${here}})`, 'open'],
        [`sum by (reason) (${rate('tunnels_closed_total')})`, '{{reason}}'],
      ],
    },
    {
      title: 'Tunnels: bytes',
      about: 'As the app sees them, and counted when a tunnel ends.',
      kind: 'lines',
      unit: 'Bps',
      width: 8,
      queries: [
        [`sum by (upstream, direction) (${rate('tunnel_bytes_total')})`, '{{upstream}} {{direction}}'],
      ],
    },
  ],
};

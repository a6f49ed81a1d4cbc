import { here, ofProcess, type RowDescription } from './panel-description.ts';

const gauge = (metric: string): string => ofProcess(`${metric}{${here}}`);
const growth = (metric: string): string => ofProcess(`rate(${metric}{${here}}[$__rate_interval])`);
const instance = '{{instance}}';

/** The row on the process itself. */
export const processRow: RowDescription = {
  title: 'The process',
  panels: [
    {
      title: 'CPU',
      about: 'Cores. Calls run on one: at 1 there is nothing left.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [[growth('process_cpu_seconds_total'), instance]],
    },
    {
      title: 'Memory',
      about: 'Resident memory, and what of the heap is in use.',
      kind: 'lines',
      unit: 'bytes',
      width: 8,
      queries: [
        [gauge('process_resident_memory_bytes'), `${instance} resident`],
        [gauge('nodejs_heap_size_used_bytes'), `${instance} heap`],
      ],
    },
    {
      title: 'Delay of the event loop',
      about: 'Since the scrape before. A timer of ten milliseconds measures it, so that 10 ms is none.',
      kind: 'lines',
      unit: 's',
      width: 8,
      queries: [
        [gauge('nodejs_eventloop_lag_p50_seconds'), `${instance} p50`],
        [gauge('nodejs_eventloop_lag_p99_seconds'), `${instance} p99`],
      ],
    },
    {
      title: 'Descriptors',
      about: 'Each client and each upstream connection takes one. The limit is that of ulimit -n.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [
        [gauge('process_open_fds'), `${instance} open`],
        [gauge('process_max_fds'), `${instance} limit`],
      ],
    },
    {
      title: 'Garbage collection',
      about: 'The share of the time that it takes, by kind.',
      kind: 'lines',
      unit: 'percentunit',
      width: 8,
      queries: [[`sum by (kind) (${growth('nodejs_gc_duration_seconds_sum')})`, '{{kind}}']],
    },
    {
      title: 'Log lines dropped, errors of listeners',
      about: 'A second: lines that nobody took in time. In all: defects, please report them.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [
        [`rate(outrigger_log_lines_dropped_total{${here}}[$__rate_interval])`, `${instance} lines`],
        [`outrigger_listener_errors_total{${here}}`, `${instance} errors`],
      ],
    },
    {
      title: 'Reloads of the configuration',
      about: 'Within each interval, over all processes that are chosen.',
      kind: 'lines',
      unit: 'none',
      width: 8,
      queries: [
        [
          `sum by (result) (increase(outrigger_config_reloads_total{${here}}[$__rate_interval]))`,
          '{{result}}',
        ],
        [`count(outrigger_config_last_reload_success{${here}} == 0) or vector(0)`, 'go on with an old one'],
      ],
    },
    {
      title: 'What is running',
      about: 'Versions of Outrigger and of Node.',
      kind: 'table',
      unit: 'none',
      width: 16,
      queries: [[`count by (job, version, node) (outrigger_build_info{${here}})`, '']],
    },
  ],
};

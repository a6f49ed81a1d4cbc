import { calmMs, type ScheduledStep } from './schedule.ts';
import type { Tally } from './traffic.ts';

/** Where things are and how long, for the demo's first lines. */
export interface DemoPlaces {
  /** The proxy, `127.0.0.1:7400`. */
  readonly egress: string;
  /** The admin interface, `127.0.0.1:7401`. */
  readonly admin: string;
  /** How this program is called where somebody types it: `outrigger`. */
  readonly program: string;
  /** Infinity: until somebody stops it. */
  readonly endsAfterMs: number;
}

/** `1:05` for 65,000; always at least five characters wide. */
export const formatElapsed = (elapsedMs: number): string => {
  const seconds = Math.floor(elapsedMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`.padStart(5);
};

/** What to open, and what will happen when. */
export const introduce = (
  { egress, admin, program, endsAfterMs }: DemoPlaces,
  steps: readonly ScheduledStep[],
): string[] => {
  const firsts = steps.filter(({ isFirst }) => isFirst);
  const end = Number.isFinite(endsAfterMs)
    ? `until Ctrl-C, at the latest at ${formatElapsed(endsAfterMs).trim()}`
    : 'until Ctrl-C';
  const width = Math.max(...firsts.map(({ scenario }) => scenario.name.length));
  return [
    'A small shop calls its services through Outrigger, and they misbehave one after the other.',
    '',
    `  dashboard        http://${admin}/`,
    `  in a terminal    ${program} top http://${admin}`,
    `  Hystrix stream   http://${admin}/hystrix.stream`,
    `  a call of yours  curl -i -x http://${egress} http://recommendations/for/7`,
    `  configuration    ${program} demo --print-config`,
    '',
    ...firsts.map(
      ({ atMs, scenario }) => `  ${formatElapsed(atMs)}  ${scenario.name.padEnd(width)}  ${scenario.title}`,
    ),
    `  ${firsts.length === 1 ? 'Then again' : 'Then from the start'}, ${end}.`,
    '',
  ];
};

/** What is the matter from now on, where to look, and at a scenario's end what comes next and when. */
export const announce = (elapsedMs: number, { scenario, step, isFirst, next }: ScheduledStep): string[] => {
  const when = formatElapsed(elapsedMs);
  const below = `${' '.repeat(when.length)} `;
  return [
    ...(isFirst ? [''] : []),
    `${when}  ${scenario.name}: ${step.news}`,
    `${below} watch: ${step.watch}`,
    ...(next === null ? [] : [`${below} next: ${next.name}, at ${formatElapsed(elapsedMs + calmMs).trim()}`]),
  ];
};

/** How the app fared since the step before. */
export const sumUp = (command: string, { made, good }: Tally): string => {
  return `of ${made} calls to ${command} meanwhile, ${good === made ? 'all went well' : `${made - good} went wrong`}`;
};

/** A line of the sidecar's log, in words for somebody who watches; null where there is nothing to watch. */
export const narrate = (logLine: string): string | null => {
  const line = JSON.parse(logLine) as Readonly<Record<string, unknown>>;
  switch (line['event']) {
    case 'breaker.transition':
      return `${line['command']}: breaker ${line['from']} -> ${line['to']} (${line['why']})`;
    case 'breaker.overridden':
      return `${line['msg']} (${line['cause']})`;
    case 'endpoint.changed':
      return `${line['upstream']}: endpoint ${line['endpoint']} ${String(line['change']).replace('_', ' ')} (${line['why']})`;
    default:
      return line['level'] === 'info' ? null : String(line['msg']);
  }
};

import type { Logger } from 'pino';
import { pino } from 'pino';
import type { LogSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { escapeIn, rawControls } from '../lib/json-text.ts';
import { accessFilter, accessMembers } from './access-log.ts';
import type { BusListener } from './bus.ts';
import type {
  BreakerOverride,
  BreakerTransition,
  ConfigReload,
  DiscoveryChange,
  EndpointChange,
  EndpointSetChange,
  ExchangeEnded,
  TlsFilesChange,
} from './events.ts';
import { prettyLine } from './pretty-line.ts';

/** Where the lines go: see `LineSink`. */
export interface LogSink {
  /** One line with its line end. */
  write(line: string): void;
}

export interface LogOptions {
  readonly settings: LogSettings;
  readonly sink: LogSink;
  readonly clock: Clock;
  /** Chooses the samples; 0 ≤ x < 1. */
  readonly random: () => number;
}

/** The process's log. */
export interface Log {
  /** For everything that is no event of the bus: start, reload, drain, defects. */
  readonly logger: Logger;
  /** Writes the access log and the lines about breakers, endpoints, names and files. */
  readonly listener: BusListener;
}

/** Takes a JSON line in which nothing is left to be escaped, and hands it on as the settings want it. */
const lineWriter = ({ settings, sink }: LogOptions): ((line: string) => void) =>
  settings.format === 'pretty'
    ? (line) => sink.write(escapeIn(prettyLine(line), rawControls))
    : (line) => sink.write(line);

/** Writes the time of a line as a field that begins with a comma. Within a second only its end is put together anew. */
const timeWriter = (clock: Clock): (() => string) => {
  let second = Number.NaN;
  let begin = '';
  return () => {
    const wallTime = Math.floor(clock.wallTime());
    const inSecond = ((wallTime % 1000) + 1000) % 1000;
    if (wallTime - inSecond !== second) {
      second = wallTime - inSecond;
      begin = `,"time":"${new Date(second).toISOString().slice(0, -'000Z'.length)}`;
    }
    return `${begin}${String(inSecond).padStart(3, '0')}Z"`;
  };
};

/** One JSON object a line: `time` (ISO 8601), `level` as a word, `event`, `msg` and the event's own fields. */
const createLogger = (options: LogOptions): Logger => {
  const write = lineWriter(options);
  return pino(
    {
      level: options.settings.level,
      base: null,
      timestamp: timeWriter(options.clock),
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => write(escapeIn(line, rawControls)) },
  );
};

const breakerLine = (logger: Logger) => (transition: BreakerTransition) => {
  const { command, from, to, why } = transition;
  const fields = { event: 'breaker.transition', command, from, to, why };
  const message = `breaker of ${command}: ${from} -> ${to}`;
  if (to === 'open') logger.warn(fields, message);
  else logger.info(fields, message);
};

const overrideLine = (logger: Logger) => (override: BreakerOverride) => {
  const { command, force, cause, ttlMs } = override;
  const isLasting = ttlMs === Number.POSITIVE_INFINITY;
  const fields = { event: 'breaker.overridden', command, force, cause, ttlMs: isLasting ? null : ttlMs };
  logger.warn(
    fields,
    force === 'none' ? `breaker of ${command}: no longer forced` : `breaker of ${command}: forced ${force}`,
  );
};

const endpointLine = (logger: Logger) => (change: EndpointChange) => {
  const { upstream, endpoint, why } = change;
  const fields = { event: 'endpoint.changed', upstream, endpoint, change: change.change, why };
  const message = `endpoint ${endpoint} of ${upstream}: ${change.change}`;
  if (change.change === 'passed_over') logger.warn(fields, message);
  else logger.info(fields, message);
};

/** How many of the endpoints that came or went are named: two hundred may change at once. */
const NAMED_ENDPOINTS = 5;

/** One line for a change of the set, however many endpoints it is about. An empty set is worth a warning. */
const endpointSetLine = (logger: Logger) => (change: EndpointSetChange) => {
  const { upstream, added, removed, size, why } = change;
  const fields = {
    event: 'endpoints.replaced',
    upstream,
    endpoints: size,
    added: added.length,
    removed: removed.length,
    firstAdded: added.slice(0, NAMED_ENDPOINTS),
    firstRemoved: removed.slice(0, NAMED_ENDPOINTS),
    why,
  };
  const message = `endpoints of ${upstream}: ${size}, ${added.length} added, ${removed.length} removed`;
  if (size === 0) logger.warn(fields, message);
  else logger.info(fields, message);
};

const discoveryLine = (logger: Logger) => (discovery: DiscoveryChange) => {
  const { upstream, host, change, why } = discovery;
  const message = `${host} of ${upstream}: ${why}`;
  if (change === 'failing') logger.warn({ event: 'dns.failed', upstream, host, why }, message);
  else logger.info({ event: 'dns.recovered', upstream, host, why }, message);
};

const tlsFilesLine =
  (logger: Logger) =>
  ({ upstream, result, why }: TlsFilesChange) => {
    const fields = { event: 'tls.files_changed', upstream, result, why };
    if (result === 'refused') logger.error(fields, `TLS files of ${upstream} not taken over: ${why}`);
    else logger.info(fields, `TLS files of ${upstream} taken over: ${why}`);
  };

const reloadLine =
  (logger: Logger) =>
  ({ result, why }: ConfigReload) => {
    const fields = { event: 'config.reloaded', result, why };
    if (result === 'failed') logger.error(fields, `configuration not taken over: ${why}`);
    else logger.info(fields, `configuration taken over: ${why}`);
  };

/**
 * `access` alone decides about the access log: its lines are written whatever the level, but for `silent`. They are put
 * together here as pino would: a refusal by an open breaker costs little, and a good part of it was its line.
 */
const accessLine = (options: LogOptions) => {
  const { settings, random, clock } = options;
  const isWanted = settings.level === 'silent' ? null : accessFilter(settings, random);
  if (isWanted === null) return null;
  const write = lineWriter(options);
  const time = timeWriter(clock);
  return (ended: ExchangeEnded) => {
    if (!isWanted(ended)) return;
    write(`{"level":"info"${time()},${accessMembers(ended)},"msg":"exchange"}\n`);
  };
};

/** Builds the log. The sink belongs to whoever made it: flush it when the process ends. */
export const createLog = (options: LogOptions): Log => {
  const logger = createLogger(options);
  const exchangeEnded = accessLine(options);
  const listener: BusListener = {
    breakerTransition: breakerLine(logger),
    breakerOverridden: overrideLine(logger),
    endpointChanged: endpointLine(logger),
    endpointSetChanged: endpointSetLine(logger),
    discoveryChanged: discoveryLine(logger),
    tlsFilesChanged: tlsFilesLine(logger),
    configReloaded: reloadLine(logger),
    ...(exchangeEnded === null ? {} : { exchangeEnded }),
  };
  return { logger, listener };
};

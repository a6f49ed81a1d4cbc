/** @import { CommandPicture, History, Incident, NumberedIncident, ProcessPicture, SnapshotEvent, TickEvent, UpstreamPicture } from './stream-events.ts' */

import { reasonOf } from './figures.js';

/** How far back a trace goes, and how many incidents are kept. */
const traceMs = 120_000;
const maxIncidents = 200;
/** Over how long a rate is taken. */
const rateMs = 10_000;

const nothing = Object.freeze({ requests: 0, failed: 0, refused: 0, fallback: 0 });

/**
 * Requests per second at one moment, by how they ended.
 * @typedef {object} TracePoint
 * @property {number} atMs Where it is in time, on the process's clock: the end of the stretch that it is the rate of.
 * @property {number} lengthMs How long that stretch was.
 * @property {number} requests Counted within the stretch, like the others.
 * @property {number} failed
 * @property {number} refused
 * @property {number} fallback
 */

/**
 * How a command fares for the app just now.
 * @typedef {object} Rates
 * @property {number} perSecond Requests per second.
 * @property {number} errorsPerSecond Those that failed or were refused without a fallback.
 * @property {number} errorPercent 0–100; 0 without requests.
 */

/**
 * What a reader of `GET /events` knows: the events folded into one picture. It never touches a clock, the network or a
 * screen, and runs in Node and in browsers alike.
 */
export class Board {
  /** @type {Map<string, CommandPicture>} */
  commands = new Map();
  /** @type {Map<string, UpstreamPicture>} */
  upstreams = new Map();
  /** @type {NumberedIncident[]} Oldest first. */
  incidents = [];
  /** @type {ProcessPicture | null} */
  process = null;
  /** The process's clock at the last snapshot or tick, and its tick; 0 before the first snapshot. */
  nowMs = 0;
  tickMs = 0;
  /** Epoch ms of the same moment. */
  at = 0;
  /** @type {Map<string, TracePoint[]>} */
  #traces = new Map();

  /** @param {SnapshotEvent} snapshot */
  snapshot(snapshot) {
    this.commands = new Map(snapshot.commands.map((command) => [command.name, command]));
    this.upstreams = new Map(snapshot.upstreams.map((upstream) => [upstream.name, upstream]));
    this.incidents = [...snapshot.recent];
    this.process = snapshot.process;
    this.nowMs = snapshot.nowMs;
    this.tickMs = snapshot.tickMs;
    this.at = snapshot.at;
    const { endsAtMs, commands } = snapshot.history;
    this.#traces = new Map(
      Object.entries(commands).map(([name, history]) => [name, traceOf(history, endsAtMs)]),
    );
  }

  /** @param {TickEvent} tick */
  tick(tick) {
    const lengthMs = tick.nowMs - this.nowMs;
    for (const command of tick.commands) {
      this.#extend(command, tick.nowMs, lengthMs);
      this.commands.set(command.name, command);
    }
    for (const name of tick.removed) {
      this.commands.delete(name);
      this.#traces.delete(name);
    }
    for (const upstream of tick.upstreams) this.upstreams.set(upstream.name, upstream);
    for (const name of tick.removedUpstreams) this.upstreams.delete(name);
    this.process = tick.process ?? this.process;
    this.nowMs = tick.nowMs;
    this.at = tick.at;
    for (const trace of this.#traces.values()) {
      while (trace.length > 0 && /** @type {TracePoint} */ (trace[0]).atMs < this.nowMs - traceMs)
        trace.shift();
    }
  }

  /**
   * What has just happened goes into the picture at once; what a reader missed, and is told of later, only into the list.
   * @param {number} number
   * @param {Incident} incident
   */
  incident(number, incident) {
    const { incidents } = this;
    let place = incidents.length;
    while (place > 0 && /** @type {NumberedIncident} */ (incidents[place - 1]).number > number) place -= 1;
    if (place > 0 && incidents[place - 1]?.number === number) return;
    const isNews = place === incidents.length;
    incidents.splice(place, 0, { number, incident });
    if (incidents.length > maxIncidents) incidents.shift();
    if (isNews) this.#apply(incident);
  }

  /**
   * The stretches of the last two minutes in which something ended, oldest first; between them nothing did.
   * @param {string} name
   * @returns {readonly TracePoint[]}
   */
  trace(name) {
    return this.#traces.get(name) ?? [];
  }

  /**
   * Over the last ten seconds.
   * @param {string} name
   * @returns {Rates}
   */
  rates(name) {
    let requests = 0;
    let errors = 0;
    for (const point of this.trace(name)) {
      if (point.atMs <= this.nowMs - rateMs) continue;
      requests += point.requests;
      errors += point.failed + point.refused;
    }
    return {
      perSecond: (requests * 1000) / rateMs,
      errorsPerSecond: (errors * 1000) / rateMs,
      errorPercent: requests === 0 ? 0 : (errors * 100) / requests,
    };
  }

  /**
   * As far as an incident tells; the next tick tells the rest.
   * @param {Incident} incident
   */
  #apply(incident) {
    if (incident.kind !== 'transition' && incident.kind !== 'override') return;
    const command = this.commands.get(incident.command);
    if (command === undefined) return;
    if (incident.kind === 'override') {
      const { force, cause, ttlMs } = incident;
      const hand = cause === 'by hand' ? 'hand' : 'configuration';
      const forcedBy = force === 'none' ? null : hand;
      const forceEndsAtMs = ttlMs === null || ttlMs === 0 ? null : this.nowMs + ttlMs;
      this.commands.set(command.name, { ...command, force, forcedBy, forceEndsAtMs });
    } else if (incident.forcedBy === null) {
      const { to, why } = incident;
      this.commands.set(command.name, {
        ...command,
        state: to,
        why: reasonOf(why),
        sinceMs: this.nowMs,
        nextProbeAtMs: null,
      });
    }
  }

  /**
   * @param {CommandPicture} command
   * @param {number} atMs
   * @param {number} lengthMs
   */
  #extend({ name, totals }, atMs, lengthMs) {
    const known = this.commands.get(name)?.totals ?? nothing;
    if (totals.requests === known.requests) return;
    // An unlisted destination that was dropped and has come back counts from nothing.
    const before = totals.requests < known.requests ? nothing : known;
    const trace = this.#traces.get(name) ?? [];
    trace.push({
      atMs,
      lengthMs,
      requests: totals.requests - before.requests,
      failed: totals.failed - before.failed,
      refused: totals.refused - before.refused,
      fallback: totals.fallback - before.fallback,
    });
    this.#traces.set(name, trace);
  }
}

/**
 * @param {History} history
 * @param {number} endsAtMs
 * @returns {TracePoint[]}
 */
const traceOf = ({ requests, failed, refused, fallback }, endsAtMs) => {
  /** @type {TracePoint[]} */
  const trace = [];
  for (const [index, count] of requests.entries()) {
    if (count === 0) continue;
    trace.push({
      atMs: endsAtMs - (requests.length - 1 - index) * 1000,
      lengthMs: 1000,
      requests: count,
      failed: failed[index] ?? 0,
      refused: refused[index] ?? 0,
      fallback: fallback[index] ?? 0,
    });
  }
  return trace;
};

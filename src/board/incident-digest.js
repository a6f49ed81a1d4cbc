/** @import { NumberedIncident, TransitionIncident } from './stream-events.ts' */

/** Endpoints of an upstream that fare alike within so long are told of once. */
const burstMs = 10_000;

/**
 * What is told of at once: an incident, and those like it that came before it.
 * @typedef {object} DigestEntry
 * @property {NumberedIncident} last
 * @property {number} times 1 or more: how many it stands for
 * @property {readonly string[]} endpoints which ones it is about, each once; empty where it is about none
 */

/**
 * Incidents as people want to read them, oldest first. A breaker that is probed in vain again and again is told of once,
 * and so are many endpoints that fare alike; what somebody did by hand is told of once, although the state changed too.
 * Everything that is left out here stands in the log and in the detail.
 * @param {readonly NumberedIncident[]} incidents oldest first
 * @returns {DigestEntry[]}
 */
export const digest = (incidents) => {
  /** @type {DigestEntry[]} */
  const entries = [];
  for (const numbered of incidents) {
    const { incident } = numbered;
    // The override tells it already.
    if (incident.kind === 'transition' && incident.forcedBy === 'hand') continue;
    const alike = findAlike(entries, numbered);
    const times = alike === undefined ? 1 : alike.times + 1;
    if (alike !== undefined) entries.splice(entries.indexOf(alike), 1);
    if (isFailedProbe(numbered)) dropProbing(entries, /** @type {TransitionIncident} */ (incident).command);
    const endpoints = new Set(alike?.endpoints);
    if (incident.kind === 'endpoint') endpoints.add(incident.endpoint);
    entries.push({ last: numbered, times, endpoints: [...endpoints] });
  }
  return entries;
};

/** @param {NumberedIncident} numbered */
const isFailedProbe = ({ incident }) =>
  incident.kind === 'transition' && incident.from === 'half_open' && incident.to === 'open';

/**
 * The entry that this incident only repeats.
 * @param {DigestEntry[]} entries
 * @param {NumberedIncident} numbered
 */
const findAlike = (entries, numbered) => {
  const { incident } = numbered;
  if (incident.kind === 'endpoint') {
    const { at, upstream, change } = incident;
    return entries.findLast(
      ({ last: { incident: other } }) =>
        other.kind === 'endpoint' &&
        other.upstream === upstream &&
        other.change === change &&
        at - other.at <= burstMs,
    );
  }
  if (!isFailedProbe(numbered)) return undefined;
  const { command } = /** @type {TransitionIncident} */ (incident);
  const before = entries.findLast(
    ({ last: { incident: other } }) =>
      'command' in other &&
      other.command === command &&
      !(other.kind === 'transition' && other.to === 'half_open'),
  );
  return before !== undefined && isFailedProbe(before.last) ? before : undefined;
};

/**
 * That it was being probed is no news any more when it is told how that ended.
 * @param {DigestEntry[]} entries
 * @param {string} command
 */
const dropProbing = (entries, command) => {
  const index = entries.findLastIndex(
    ({ last: { incident } }) => 'command' in incident && incident.command === command,
  );
  const incident = entries[index]?.last.incident;
  if (incident?.kind === 'transition' && incident.to === 'half_open') entries.splice(index, 1);
};

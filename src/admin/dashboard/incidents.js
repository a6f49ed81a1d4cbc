import { conditionWords } from '../../board/condition.js';
import { duration } from '../../board/figures.js';
import { html } from './html.js';
import { ConditionIcon } from './icons.js';
import { addressOf, board, version } from './state.js';

/** @import { Condition } from '../../board/condition.js' */
/** @import { Incident, StateName } from '../../board/stream-events.ts' */

/** How many of the latest are shown. */
const shownIncidents = 30;

/** @param {StateName} state @returns {Condition} */
const conditionOfState = (state) => (state === 'half_open' ? 'half-open' : state);

/**
 * What happened, for people: to whom, what, why; `condition` gives the mark before it.
 * @param {Incident} incident
 * @returns {{ subject: string, command: string | null, what: string, why: string, condition: Condition }}
 */
export const incidentWords = (incident) => {
  switch (incident.kind) {
    case 'transition': {
      const { command, to, why, forcedBy } = incident;
      const condition = forcedBy !== null && to !== 'half_open' ? `forced-${to}` : conditionOfState(to);
      return {
        subject: command,
        command,
        what: conditionWords[/** @type {Condition} */ (condition)],
        why,
        condition: /** @type {Condition} */ (condition),
      };
    }
    case 'override': {
      const { command, force, cause, ttlMs } = incident;
      const length = ttlMs === null ? 'until it is lifted' : `for ${duration(ttlMs)}`;
      if (force === 'none')
        return { subject: command, command, what: 'no longer forced', why: cause, condition: 'closed' };
      return {
        subject: command,
        command,
        what: `forced ${force}`,
        why: `${cause}, ${length}`,
        condition: `forced-${force}`,
      };
    }
    case 'endpoint': {
      const { upstream, endpoint, change, why } = incident;
      const isOut = change === 'passed_over';
      const what = `${endpoint} ${isOut ? 'passed over' : 'back in use'}`;
      return { subject: upstream, command: null, what, why, condition: isOut ? 'half-open' : 'closed' };
    }
    case 'endpoints': {
      const { upstream, added, removed, size, why } = incident;
      const what = `${size} endpoints: ${added.length} new, ${removed.length} gone`;
      return { subject: upstream, command: null, what, why, condition: size === 0 ? 'open' : 'closed' };
    }
    case 'discovery': {
      const { upstream, host, change, why } = incident;
      const isFailing = change === 'failing';
      const what = isFailing ? `${host} cannot be resolved` : `${host} is resolved again`;
      return { subject: upstream, command: null, what, why, condition: isFailing ? 'half-open' : 'closed' };
    }
    case 'reload': {
      const isGood = incident.result === 'succeeded';
      const what = isGood ? 'taken over' : 'not taken over';
      return {
        subject: 'configuration',
        command: null,
        what,
        why: incident.why,
        condition: isGood ? 'closed' : 'open',
      };
    }
  }
};

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});

/** The time of day, on the viewer's clock. @param {number} at epoch ms */
export const timeOfDay = (at) => clockTime.format(at);

/** The latest incidents, newest first. */
export const Incidents = () => {
  version.value;
  const latest = board.incidents.slice(-shownIncidents).reverse();
  return html`
    <aside class="incidents" aria-labelledby="incidents-title">
      <h2 id="incidents-title">What happened</h2>
      ${
        latest.length === 0
          ? html`<p class="quiet">Nothing since the process started.</p>`
          : html`<ol>
              ${latest.map(({ number, incident }) => {
                const { subject, command, what, why, condition } = incidentWords(incident);
                return html`
                  <li key=${number}>
                    <time datetime=${new Date(incident.at).toISOString()}>${timeOfDay(incident.at)}</time>
                    <${ConditionIcon} condition=${condition} />
                    <span class="incident-text">
                      <span>${command === null ? html`<b><bdi>${subject}</bdi></b>` : html`<a href=${addressOf(command)}><b><bdi>${subject}</bdi></b></a>`} ${what}</span>
                      <small title=${why}>${why}</small>
                    </span>
                  </li>
                `;
              })}
            </ol>`
      }
    </aside>
  `;
};

import { conditionWords } from '../../board/condition.js';
import { duration, plural, reasonOf } from '../../board/figures.js';
import { digest } from '../../board/incident-digest.js';
import { html } from './html.js';
import { ConditionIcon } from './icons.js';
import { addressOf, board, version } from './state.js';

/** @import { Condition } from '../../board/condition.js' */
/** @import { DigestEntry } from '../../board/incident-digest.js' */
/** @import { StateName } from '../../board/stream-events.ts' */

/** How many of the latest are shown. */
const shownIncidents = 30;

/** @param {StateName} state @returns {Condition} */
const conditionOfState = (state) => (state === 'half_open' ? 'half-open' : state);

/**
 * What happened, for people: to whom, what, why; `condition` gives the mark before it.
 * @param {DigestEntry} entry
 * @returns {{ subject: string, command: string | null, what: string, why: string, condition: Condition }}
 */
export const incidentWords = ({ last: { incident }, times, endpoints }) => {
  switch (incident.kind) {
    case 'transition': {
      const { command, from, to, forcedBy } = incident;
      const isStill = from === 'half_open' && to === 'open';
      const tried = times === 1 ? '' : ` (${plural(times, 'probe')} in vain)`;
      const condition = forcedBy !== null && to !== 'half_open' ? `forced-${to}` : conditionOfState(to);
      return {
        subject: command,
        command,
        what: `${isStill ? 'still ' : ''}${conditionWords[/** @type {Condition} */ (condition)]}`,
        why: `${reasonOf(incident.why)}${tried}`,
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
      const who = endpoints.length > 1 ? plural(endpoints.length, 'endpoint') : endpoint;
      const often = endpoints.length > 1 || times === 1 ? '' : `, ${times} times`;
      const what = `${who} ${isOut ? 'passed over' : 'back in use'}${often}`;
      return { subject: upstream, command: null, what, why, condition: isOut ? 'half-open' : 'closed' };
    }
    case 'endpoints': {
      const { upstream, added, removed, size, why } = incident;
      const what = `${plural(size, 'endpoint')}: ${added.length} new, ${removed.length} gone`;
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
  const latest = digest(board.incidents).slice(-shownIncidents).reverse();
  return html`
    <aside class="incidents" aria-labelledby="incidents-title">
      <h2 id="incidents-title">What happened</h2>
      ${
        latest.length === 0
          ? html`<p class="quiet">Nothing since the process started.</p>`
          : html`<ol>
              ${latest.map((entry) => {
                const { number, incident } = entry.last;
                const { subject, command, what, why, condition } = incidentWords(entry);
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

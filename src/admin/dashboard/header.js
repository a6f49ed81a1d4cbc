import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { conditionWords } from '../../board/condition.js';
import { count, countdown, percent } from '../../board/figures.js';
import { Legend } from './chart.js';
import { html } from './html.js';
import { ConditionIcon } from './icons.js';
import {
  ageMs,
  board,
  conditionCounts,
  connection,
  moment,
  version,
  wantedCondition,
  wantedText,
} from './state.js';
import { nextTheme, theme } from './theme.js';

/** @import { Condition } from '../../board/condition.js' */

/** How the viewer was let in: only who has the cookie can sign out. */
const signedInBy = signal('');
void fetch('/session')
  .then((response) => (response.ok ? response.json() : { signedInBy: '' }))
  .then((session) => {
    signedInBy.value = session.signedInBy;
  })
  .catch(() => {});

const signOut = async () => {
  await fetch('/session/end', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
    body: '{}',
  }).catch(() => null);
  location.reload();
};

/** Whether what is on the screen is true now, and if not, since when. */
const ConnectionState = () => {
  const { state, sinceMs, why } = connection.value;
  if (state === 'lost') moment.value;
  const since = `${Math.round((performance.now() - sinceMs) / 1000)} s`;
  const words = { connecting: 'connecting', live: 'live', lost: 'stream lost' };
  return html`
    <span class=${`connection is-${state}`} title=${why}>
      <i aria-hidden="true"></i>
      <span role="status">${words[state]}</span>
      ${state === 'lost' ? html`<span aria-hidden="true">${` for ${since}`}</span>` : null}
    </span>
  `;
};

/** All requests together. */
const Overall = () => {
  version.value;
  let perSecond = 0;
  let errorsPerSecond = 0;
  for (const name of board.commands.keys()) {
    const rates = board.rates(name);
    perSecond += rates.perSecond;
    errorsPerSecond += rates.errorsPerSecond;
  }
  const share = perSecond === 0 ? 0 : (errorsPerSecond * 100) / perSecond;
  return html`
    <p class="overall">
      <b>${count(perSecond)}</b> requests/s
      <span class=${share >= 1 ? 'is-bad' : ''}><b>${percent(share)}</b> % errors</span>
    </p>
  `;
};

const ProcessLine = () => {
  version.value;
  const { process } = board;
  if (process === null) return null;
  return html`
    <p class="process">
      <span title=${process.source}>${process.id}</span>
      <span>${`v${process.version}`}</span>
      <span>${`proxy on ${process.egress}`}</span>
      ${process.state === 'serving' ? null : html`<span class="draining">${process.state}</span>`}
    </p>
  `;
};

const themeWords = { auto: 'Theme: system', light: 'Theme: light', dark: 'Theme: dark' };

/** Conditions that there have been: their chips stay, or all others would move whenever one comes or goes. */
const seenConditions = new Set(/** @type {(Condition | null)[]} */ ([null, 'open', 'closed']));

const filterOrder = /** @type {const} */ (['open', 'forced-open', 'half-open', 'forced-closed', 'closed']);

/** One condition, how many are in it, and a press to see only those. @param {{ condition: Condition | null }} props */
const Chip = ({ condition }) => {
  const counts = conditionCounts.value;
  const number =
    condition === null ? Object.values(counts).reduce((sum, one) => sum + one, 0) : counts[condition];
  const isPressed = wantedCondition.value === condition;
  if (number > 0) seenConditions.add(condition);
  if (!seenConditions.has(condition)) return null;
  const look = condition === null ? '' : `is-${condition}`;
  return html`
    <button type="button" class=${`chip ${look} ${number === 0 ? 'is-none' : ''}`} aria-pressed=${isPressed}
      onClick=${() => {
        wantedCondition.value = isPressed ? null : condition;
      }}>
      ${condition === null ? null : html`<${ConditionIcon} condition=${condition} />`}
      <span>${condition === null ? 'all' : conditionWords[condition]}</span>
      <b>${number}</b>
    </button>
  `;
};

/** Where there is no keyboard, nobody needs to know a key. */
const filterHint = matchMedia('(hover: hover)').matches ? 'Filter by name  ( / )' : 'Filter by name';

/** By name; `/` goes there from anywhere, Escape gives up. */
const Filter = () => {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const jump = (event) => {
      const isTyping =
        event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', jump);
    return () => document.removeEventListener('keydown', jump);
  }, []);
  return html`
    <label class="filter">
      <span class="unseen">Filter by name</span>
      <input ref=${input} type="search" placeholder=${filterHint} value=${wantedText.value} autocomplete="off" spellcheck=${false}
        onInput=${(/** @type {InputEvent} */ event) => {
          if (event.target instanceof HTMLInputElement) wantedText.value = event.target.value;
        }}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
          if (event.key !== 'Escape') return;
          wantedText.value = '';
          input.current?.blur();
        }} />
    </label>
  `;
};

export const Header = () => html`
  <header class="top">
    <div class="bar">
      <div class="brand">
        <img src="/assets/admin/dashboard/icon.svg" alt="" width="28" height="28" />
        <h1>Outrigger</h1>
      </div>
      <${ProcessLine} />
      <${Overall} />
      <div class="tools">
        <${ConnectionState} />
        <button type="button" class="button" onClick=${nextTheme}>${themeWords[theme.value]}</button>
        ${signedInBy.value === 'cookie' ? html`<button type="button" class="button" onClick=${signOut}>Sign out</button>` : null}
      </div>
    </div>
    <div class="bar">
      <div class="chips" role="group" aria-label="Show only">
        <${Chip} condition=${null} />
        ${filterOrder.map((condition) => html`<${Chip} key=${condition} condition=${condition} />`)}
      </div>
      <${Legend} />
      <${Filter} />
    </div>
  </header>
`;

/** A strip across the page while what it shows is not true any more. */
export const LostStrip = () => {
  const { state, why } = connection.value;
  if (state !== 'lost') return null;
  moment.value;
  // What ticks stands outside the alert: it would be read out four times a second.
  return html`
    <div class="lost">
      <p role="alert"><b>The stream is lost.</b>${` ${why === '' ? 'Trying again' : `${why}. Trying again`} by itself.`}</p>
      ${board.process === null ? null : html`<span aria-hidden="true">${`What is shown is from ${countdown(ageMs())} ago.`}</span>`}
    </div>
  `;
};

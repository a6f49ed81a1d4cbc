import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.js';
import { isDuration, lengths } from './override-length.js';

/** @import { CommandPicture } from '../../board/stream-events.ts' */

/** @typedef {'open' | 'closed' | 'none'} Force */

/** What callers will meet. @param {Force} force @param {string} name @param {string} lasting */
export const consequence = (force, name, lasting) => {
  if (force === 'open')
    return `Every call to ${name} will be refused at once ${lasting}, without being sent; where a fallback stands in for an open breaker, it answers.`;
  if (force === 'closed')
    return `Every call to ${name} will be sent ${lasting}, whatever fails; its breaker goes on judging, and nobody is protected.`;
  return `The breaker of ${name} decides again by itself, from the state that it is in now.`;
};

/**
 * Asks the sidecar; null when it did it, else what went wrong and what to do.
 * @param {string} name
 * @param {Force} force
 * @param {string} ttl
 */
const setForce = async (name, force, ttl) => {
  try {
    const response = await fetch(`/breakers/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
      body: JSON.stringify(force === 'none' ? { force } : { force, ttl }),
    });
    if (response.ok) return null;
    if (response.status === 401) return 'You are signed out: reload the page and sign in again.';
    const { detail } = await response.json();
    return String(detail);
  } catch {
    return 'The sidecar cannot be reached; nothing was changed as far as is known here.';
  }
};

/**
 * For how long: a choice, and a field for another length.
 * @param {{ ttl: string, custom: string, onTtl: (ttl: string) => void, onCustom: (text: string) => void }} props
 */
const Length = ({ ttl, custom, onTtl, onCustom }) => html`
  <fieldset class="lengths">
    <legend>For how long</legend>
    ${lengths.map(
      (length) => html`
        <label key=${length.ttl}>
          <input type="radio" name="length" value=${length.ttl} checked=${ttl === length.ttl} onChange=${() => onTtl(length.ttl)} />
          ${length.words}
        </label>
      `,
    )}
    ${
      ttl === 'custom'
        ? html`<label class="custom">
            <span>As a duration, such as 1h30m</span>
            <input type="text" name="custom" value=${custom} autocomplete="off" spellcheck=${false}
              onInput=${(/** @type {InputEvent} */ event) => {
                if (event.target instanceof HTMLInputElement) onCustom(event.target.value);
              }} />
          </label>`
        : null
    }
  </fieldset>
`;

/**
 * The step between a press and what it does: says in words what callers will meet.
 * @param {{ name: string, force: Force, onDone: () => void }} props
 */
const Confirm = ({ name, force, onDone }) => {
  const [ttl, setTtl] = useState('1h');
  const [custom, setCustom] = useState('');
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const first = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => first.current?.focus(), []);
  const chosen = lengths.find((length) => length.ttl === ttl)?.words ?? '';
  const isReady = ttl !== 'custom' || isDuration(custom.trim());
  let lasting = `for ${ttl === 'custom' ? custom.trim() : chosen}`;
  if (ttl === 'unlimited') lasting = chosen;
  if (!isReady) lasting = 'for that long';
  const doIt = async () => {
    if (force !== 'none' && !isReady) {
      setProblem('Write the duration as 10m, 1h30m or 90s.');
      return;
    }
    setBusy(true);
    const wrong = await setForce(name, force, ttl === 'custom' ? custom.trim() : ttl);
    setBusy(false);
    if (wrong === null) onDone();
    else setProblem(wrong);
  };
  const verb = { open: 'Force open', closed: 'Force closed', none: 'Back to automatic' }[force];
  return html`
    <form class="confirm" onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      void doIt();
    }}>
      <h3 tabindex="-1" ref=${first}>${`${verb}?`}</h3>
      ${force === 'none' ? null : html`<${Length} ttl=${ttl} custom=${custom} onTtl=${setTtl} onCustom=${setCustom} />`}
      <p>${consequence(force, name, lasting)}</p>
      <p class="problem" role="alert">${problem}</p>
      <div class="buttons">
        <button type="submit" class=${`button ${force === 'none' ? 'is-main' : 'is-danger'}`} disabled=${isBusy}>${verb}</button>
        <button type="button" class="button" onClick=${onDone}>Leave it as it is</button>
      </div>
    </form>
  `;
};

/**
 * Takes a breaker in hand, or lets go of it.
 * @param {{ command: CommandPicture }} props
 */
export const Control = ({ command }) => {
  const [wanted, setWanted] = useState(/** @type {Force | null} */ (null));
  const { name, force, forcedBy } = command;
  if (wanted !== null)
    return html`<${Confirm} name=${name} force=${wanted} onDone=${() => setWanted(null)} />`;
  return html`
    <div class="buttons">
      ${force === 'open' ? null : html`<button type="button" class="button" onClick=${() => setWanted('open')}>Force open…</button>`}
      ${force === 'closed' ? null : html`<button type="button" class="button" onClick=${() => setWanted('closed')}>Force closed…</button>`}
      ${
        force !== 'none' && forcedBy === 'hand'
          ? html`<button type="button" class="button is-main" onClick=${() => setWanted('none')}>Lift now…</button>`
          : null
      }
    </div>
  `;
};

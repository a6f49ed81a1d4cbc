import { useEffect, useRef } from 'preact/hooks';
import { conditionOf, conditionWords } from '../../board/condition.js';
import { duration, percent, plural } from '../../board/figures.js';
import { Meter, NextStep } from './card.js';
import { Chart, Legend } from './chart.js';
import { Control } from './control.js';
import { useDetail } from './detail-data.js';
import { Counters, EndpointTable, Latencies, Policy, Transitions } from './detail-tables.js';
import { html } from './html.js';
import { ConditionIcon } from './icons.js';
import { board, selected, version } from './state.js';

/** @import { CommandPicture } from '../../board/stream-events.ts' */
/** @import { BreakerDetail } from './detail-data.js' */

/** @param {number} share 0–100 @param {number | undefined} limit */
const shareWords = (share, limit) =>
  `${percent(share)} %${limit === undefined ? '' : `, opens at ${limit} %`}`;

/** What the breaker judges by, against its limits. @param {{ command: CommandPicture, limits: BreakerDetail['limits'] | undefined }} props */
const Health = ({ command, limits }) => {
  const { total, errors, slow, errorPercent, slowPercent, windowMs, failuresInARow } = command.health;
  const window = `in the last ${windowMs / 1000} s`;
  const seen =
    total === 0
      ? `No attempts ${window}`
      : `${plural(total, 'attempt')} ${window}: ${errors} failed, ${slow} slow`;
  const judges = limits === undefined ? '' : ` It judges from ${limits.volume} on.`;
  return html`
    <section>
      <h3>What the breaker sees</h3>
      <p>${`${seen}; ${plural(failuresInARow, 'failure')} in a row.${judges}`}</p>
      <div class="meters">
        <${Meter} name="Failed" value=${errorPercent} limit=${limits?.errorPercent ?? null} words=${shareWords(errorPercent, limits?.errorPercent)} />
        ${limits?.slowerThanMs == null ? null : html`<${Meter} name=${`Slower than ${duration(limits.slowerThanMs)}`} value=${slowPercent} limit=${limits.slowPercent} words=${shareWords(slowPercent, limits.slowPercent)} />`}
      </div>
    </section>
  `;
};

/** @param {{ command: CommandPicture }} props */
const Body = ({ command }) => {
  const { name, bulkhead } = command;
  const { detail, problem } = useDetail(name);
  const condition = conditionOf(command);
  const upstream = board.upstreams.get(command.upstream);
  return html`
    <div class=${`state is-${condition}`}>
      <p class="why"><b>${conditionWords[condition]}</b>${` · ${command.why}`} <${NextStep} command=${command} /></p>
      <${Control} command=${command} />
    </div>
    <p class="problem" role="status">${problem}</p>
    <section>
      <h3>Requests of the last two minutes</h3>
      <${Chart} name=${name} height=${160} isLarge=${true} />
      <${Legend} />
    </section>
    <${Health} command=${command} limits=${detail?.limits} />
    <section>
      <h3>Limits</h3>
      <div class="meters">
        <${Meter} name="In flight" value=${bulkhead.inFlight} limit=${bulkhead.concurrency} />
        <${Meter} name="Queue" value=${bulkhead.queued} limit=${bulkhead.queueLimit} />
        ${upstream === undefined ? null : html`<${Meter} name="Retry budget" value=${upstream.retryBudget.tokens} limit=${upstream.retryBudget.capacity} isGood=${true} />`}
      </div>
    </section>
    <section class="scroll" tabindex="0" aria-label="Latency"><${Latencies} command=${command} /></section>
    ${upstream === undefined ? null : html`<section class="scroll" tabindex="0" aria-label="Endpoints"><${EndpointTable} upstream=${upstream} /></section>`}
    ${
      detail === null
        ? html`<p class="quiet">Loading the rest…</p>`
        : html`
            <${Transitions} transitions=${detail.transitions} />
            <${Counters} counters=${detail.counters} />
            ${detail.policy === null ? null : html`<${Policy} policy=${detail.policy} />`}
          `
    }
  `;
};

/** @param {{ name: string }} props */
const Panel = ({ name }) => {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  version.value;
  useEffect(() => {
    // A dialog of the browser's own: it holds the focus, gives it back, and closes on Escape.
    dialog.current?.showModal();
  }, []);
  const close = () => dialog.current?.close();
  const command = board.commands.get(name);
  return html`
    <dialog class="detail" ref=${dialog} aria-labelledby="detail-title"
      onClose=${() => {
        history.replaceState(null, '', location.pathname);
        selected.value = null;
      }}
      onClick=${(/** @type {MouseEvent} */ event) => {
        if (event.target === dialog.current) close();
      }}>
      <div class="panel">
        <header>
          <h2 id="detail-title">
            ${command === undefined ? null : html`<${ConditionIcon} condition=${conditionOf(command)} />`}
            <bdi>${name}</bdi>
          </h2>
          <button type="button" class="button" onClick=${close} aria-label="Close">✕</button>
        </header>
        ${
          command !== undefined
            ? html`<${Body} command=${command} />`
            : html`<p class="quiet" role="status">${board.process === null ? 'Connecting…' : 'There is no command of this name now. Unlisted destinations go when they have been idle for a while.'}</p>`
        }
      </div>
    </dialog>
  `;
};

/** Everything about the command that the address names, beside the page. */
export const Detail = () => {
  const name = selected.value;
  return name === null ? null : html`<${Panel} key=${name} name=${name} />`;
};

import { useEffect, useRef, useState } from 'preact/hooks';
import { conditionOf, conditionWords } from '../../board/condition.js';
import { count, countdown, percent, remaining, shortDuration } from '../../board/figures.js';
import { Chart } from './chart.js';
import { html } from './html.js';
import { ConditionIcon } from './icons.js';
import { addressOf, board, moment, now, version } from './state.js';

/** @import { CommandPicture, UpstreamPicture } from '../../board/stream-events.ts' */

/** What comes next for a breaker that is not simply closed; it counts down by itself. @param {{ command: CommandPicture }} props */
export const NextStep = ({ command }) => {
  moment.value;
  const { state, force, forceEndsAtMs, nextProbeAtMs, probes } = command;
  if (force !== 'none') {
    const end = forceEndsAtMs === null ? 'until it is lifted' : remaining(forceEndsAtMs - now());
    return html`<span class="next">${command.forcedBy === 'hand' ? `by hand, ${end}` : 'by the configuration'}</span>`;
  }
  if (state === 'half_open') {
    const running = probes.inFlight > 0 ? ', one under way' : '';
    return html`<span class="next">${`probes: ${probes.succeeded} of ${probes.needed}${running}`}</span>`;
  }
  if (state !== 'open') return null;
  // The next tick tells when.
  if (nextProbeAtMs === null) return html`<span class="next">just now</span>`;
  const leftMs = nextProbeAtMs - now();
  return html`<span class="next">${leftMs > 0 ? `next probe in ${countdown(leftMs)}` : 'the next request is the probe'}</span>`;
};

/**
 * A figure with its name. `tone` marks one that is bad news.
 * @param {{ name: string, value: string, unit?: string, tone?: string }} props
 */
const Figure = ({ name, value, unit = '', tone = '' }) => html`
  <div class=${`figure ${tone}`}>
    <dt>${name}</dt>
    <dd>${value}${unit === '' ? null : html`<small>${unit}</small>`}</dd>
  </div>
`;

/**
 * How much of a limit is used, as a bar and in figures; null: there is no limit. `words` stand in place of the figures.
 * @param {{ name: string, value: number, limit: number | null, isGood?: boolean, words?: string }} props
 */
export const Meter = ({ name, value, limit, isGood = false, words }) => {
  const share = limit === null || limit === 0 ? 0 : Math.min(value / limit, 1);
  const level = isGood ? 1 - share : share;
  const tone = level >= 1 ? 'is-bad' : level >= 0.8 ? 'is-warn' : '';
  return html`
    <div class=${`meter ${tone}`}>
      <span class="meter-name">${name}</span>
      <span class="meter-value">${words ?? html`${count(value)}<small>${limit === null ? ' of any' : ` of ${count(limit)}`}</small>`}</span>
      <span class="meter-bar" aria-hidden="true"><i style=${{ width: `${share * 100}%` }}></i></span>
    </div>
  `;
};

/** At most so many endpoints are shown as marks; the rest only counts. */
const maxMarks = 12;

/** @param {{ upstream: UpstreamPicture }} props */
const Endpoints = ({ upstream }) => {
  const { endpoints, dns } = upstream;
  const out = endpoints.filter(
    ({ passedOverUntilMs }) => passedOverUntilMs !== null && passedOverUntilMs > board.nowMs,
  );
  const inUse =
    out.length === 0 ? `${endpoints.length}` : `${endpoints.length - out.length} of ${endpoints.length}`;
  return html`
    <div class=${`endpoints ${out.length > 0 || endpoints.length === 0 || dns?.stale ? 'is-warn' : ''}`}>
      <span class="meter-name">Endpoints</span>
      <span class="meter-value">${dns?.stale ? 'DNS failing' : inUse}</span>
      <span class="marks" aria-hidden="true">
        ${endpoints
          .slice(0, maxMarks)
          .map(
            (endpoint) =>
              html`<i key=${endpoint.address} class=${out.includes(endpoint) ? 'is-out' : ''}></i>`,
          )}
      </span>
    </div>
  `;
};

/** From this length on, a name may not fit, and so many characters at its end are kept in any case. */
const longName = 22;
const tailLength = 10;

/** A name whose end is always seen, since routes of one upstream begin alike. @param {{ name: string }} props */
const Name = ({ name }) =>
  name.length < longName
    ? html`<bdi>${name}</bdi>`
    : html`<bdi class="name-head">${name.slice(0, -tailLength)}</bdi><bdi class="name-tail">${name.slice(-tailLength)}</bdi>`;

/** True while the element is on the screen, or nearly. @param {{ current: HTMLElement | null }} ref */
const useVisible = (ref) => {
  const [isVisible, setVisible] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(([entry]) => setVisible(entry?.isIntersecting === true), {
      rootMargin: '200px',
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return isVisible;
};

/**
 * One command. Only a card on the screen follows the stream, so that five hundred cost no more than twenty.
 * @param {{ name: string }} props
 */
export const Card = ({ name }) => {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const isVisible = useVisible(place);
  if (isVisible) version.value;
  else version.peek();
  const command = board.commands.get(name);
  if (command === undefined) return null;
  const condition = conditionOf(command);
  const { perSecond, errorPercent } = board.rates(name);
  const { latencyExecute, bulkhead } = command;
  const upstream = board.upstreams.get(command.upstream);
  /** @param {string} key */
  const latency = (key) => {
    if (latencyExecute.count === 0) return html`<${Figure} name=${key} value="–" />`;
    const [value = '', unit = ''] = shortDuration(latencyExecute.percentilesMs[key] ?? 0).split(' ');
    return html`<${Figure} name=${key} value=${value} unit=${` ${unit}`} />`;
  };
  return html`
    <li class=${`card is-${condition}`} ref=${place}>
      <header>
        <h3><a href=${addressOf(name)} title=${name} aria-label=${name}><${Name} name=${name} /></a></h3>
        <span class=${`badge is-${condition}`}><${ConditionIcon} condition=${condition} />${conditionWords[condition]}</span>
      </header>
      ${
        condition === 'closed'
          ? null
          : html`<p class="why"><span class="reason">${command.why}</span> <${NextStep} command=${command} /></p>`
      }
      <dl class="figures">
        <${Figure} name="Requests" value=${count(perSecond)} unit="/s" />
        <${Figure} name="Errors" value=${percent(errorPercent)} unit="%" tone=${errorPercent >= 1 ? 'is-bad' : ''} />
        ${latency('p50')}${latency('p90')}${latency('p99')}
      </dl>
      ${isVisible ? html`<${Chart} name=${name} />` : html`<div class="chart"></div>`}
      <div class="meters">
        <${Meter} name="In flight" value=${bulkhead.inFlight} limit=${bulkhead.concurrency} />
        <${Meter} name="Queue" value=${bulkhead.queued} limit=${bulkhead.queueLimit} />
        ${
          upstream === undefined
            ? null
            : html`
                <${Meter} name="Retry budget" value=${upstream.retryBudget.tokens} limit=${upstream.retryBudget.capacity} isGood=${true} />
                <${Endpoints} upstream=${upstream} />
              `
        }
      </div>
    </li>
  `;
};

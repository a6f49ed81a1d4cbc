import { count, countdown, duration } from '../../board/figures.js';
import { html } from './html.js';
import { timeOfDay } from './incidents.js';
import { board, moment, now } from './state.js';

/** @import { CommandPicture, LatencyPicture, UpstreamPicture } from '../../board/stream-events.ts' */
/** @import { BreakerDetail, PolicyLine, Transition } from './detail-data.js' */

const percentiles = ['p50', 'p90', 'p95', 'p99', 'p99.5', 'p100'];

/** @param {{ latency: LatencyPicture, name: string }} props */
const LatencyRow = ({ latency, name }) => html`
  <tr>
    <th scope="row">${name}</th>
    ${percentiles.map((key) => html`<td key=${key}>${latency.count === 0 ? '–' : duration(latency.percentilesMs[key] ?? 0)}</td>`)}
    <td>${latency.count === 0 ? '–' : duration(latency.meanMs)}</td>
  </tr>
`;

/** @param {{ command: CommandPicture }} props */
export const Latencies = ({ command }) => html`
  <table>
    <caption>Latency of the last minute</caption>
    <thead>
      <tr><th scope="col"><span class="unseen">of</span></th>
        ${percentiles.map((key) => html`<th scope="col" key=${key}>${key === 'p100' ? 'max' : key}</th>`)}
        <th scope="col">mean</th></tr>
    </thead>
    <tbody>
      <${LatencyRow} name="an attempt" latency=${command.latencyExecute} />
      <${LatencyRow} name="a request" latency=${command.latencyTotal} />
    </tbody>
  </table>
`;

/** @param {{ upstream: UpstreamPicture }} props */
export const EndpointTable = ({ upstream }) => {
  moment.value;
  const { dns, endpoints } = upstream;
  return html`
    <table>
      <caption>${`Endpoints of ${upstream.name}`}</caption>
      <thead>
        <tr><th scope="col">address</th><th scope="col">state</th><th scope="col">in flight</th><th scope="col">attempts</th><th scope="col">failed</th><th scope="col">in a row</th></tr>
      </thead>
      <tbody>
        ${endpoints.map((endpoint) => {
          const leftMs = endpoint.passedOverUntilMs === null ? 0 : endpoint.passedOverUntilMs - now();
          return html`
            <tr key=${endpoint.address} class=${leftMs > 0 ? 'is-warn' : ''}>
              <th scope="row"><bdi>${endpoint.address}</bdi></th>
              <td>${leftMs > 0 ? `passed over for ${countdown(leftMs)}` : 'in use'}</td>
              <td>${endpoint.inFlight}</td>
              <td>${count(endpoint.attempts)}</td>
              <td>${count(endpoint.failures)}</td>
              <td>${endpoint.consecutiveFailures}</td>
            </tr>
          `;
        })}
      </tbody>
    </table>
    ${endpoints.length === 0 ? html`<p class="quiet">There is no endpoint: every request is refused.</p>` : null}
    ${dns === null ? null : html`<p class=${dns.stale ? 'problem' : 'quiet'}>${dnsWords(dns)}</p>`}
  `;
};

/** @param {NonNullable<UpstreamPicture['dns']>} dns */
const dnsWords = ({ name, resolvedAtMs, stale, lastFailure }) => {
  const resolved =
    resolvedAtMs === null ? 'never resolved yet' : `resolved ${duration(board.nowMs - resolvedAtMs)} ago`;
  const failing = stale && lastFailure !== null ? `; the last lookup failed: ${lastFailure.detail}` : '';
  return `${name}: ${resolved}${failing}`;
};

/** @param {{ transitions: readonly Transition[] }} props */
export const Transitions = ({ transitions }) => html`
  <section>
    <h3>State changes</h3>
    ${
      transitions.length === 0
        ? html`<p class="quiet">None since the process started.</p>`
        : html`<ol class="changes">
            ${[...transitions].reverse().map(
              ({ at, from, to, why, forcedBy, counts }) => html`
                <li key=${`${at} ${to}`}>
                  <time datetime=${new Date(at).toISOString()}>${timeOfDay(at)}</time>
                  <span><b>${`${words(from)} → ${words(to)}`}</b>${forcedBy === null ? null : html` <small>${`forced by ${forcedBy}`}</small>`}</span>
                  <small>${why}${from === 'closed' && forcedBy === null && !why.includes(` of ${counts.total} `) ? ` (${counts.errors} failed and ${counts.slow} slow of ${counts.total})` : null}</small>
                </li>
              `,
            )}
          </ol>`
    }
  </section>
`;

/** @param {string} state */
const words = (state) => state.replace('_', '-');

/** @param {{ name: string, counts: Record<string, number> }} props */
const CountList = ({ name, counts }) => {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return null;
  return html`
    <div>
      <h4>${name}</h4>
      <dl class="counts">
        ${entries.map(([key, number]) => html`<div key=${key}><dt>${key}</dt><dd>${number.toLocaleString('en')}</dd></div>`)}
      </dl>
    </div>
  `;
};

/** @param {{ counters: BreakerDetail['counters'] }} props */
export const Counters = ({ counters }) => {
  if (counters === null)
    return html`<section><h3>Since the process started</h3><p class="quiet">Unlisted destinations are counted together: see /metrics.</p></section>`;
  const requests = Object.fromEntries(
    Object.entries(counters.requests).flatMap(([outcome, codes]) =>
      Object.entries(codes).map(([code, number]) => [`${outcome} ${code}`, number]),
    ),
  );
  return html`
    <section>
      <h3>Since the process started</h3>
      <div class="columns">
        <${CountList} name="Requests" counts=${requests} />
        <${CountList} name="Attempts" counts=${counters.attempts} />
        <${CountList} name="Refused" counts=${counters.rejected} />
        <${CountList} name="Retries after" counts=${counters.retries} />
        <${CountList} name="Retries not made" counts=${counters.retriesSkipped} />
      </div>
    </section>
  `;
};

/** @param {{ policy: readonly PolicyLine[] }} props */
export const Policy = ({ policy }) => html`
  <section>
    <h3>Policy</h3>
    <div class="scroll" tabindex="0" role="region" aria-label="Policy">
    <table class="policy">
      <caption class="unseen">Effective policy and where each value was written</caption>
      <thead><tr><th scope="col">key</th><th scope="col">value</th><th scope="col">written in</th></tr></thead>
      <tbody>
        ${policy.map(
          ({ key, value, layer, place }) => html`
            <tr key=${key} class=${layer === 'built in' ? 'is-default' : ''}>
              <th scope="row">${key}</th>
              <td><bdi>${value}</bdi></td>
              <td>${layer}${place === null ? null : html` <small>${place}</small>`}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
    </div>
  </section>
`;

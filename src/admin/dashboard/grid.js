import { computed, signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { byHurt, conditionOf } from '../../board/condition.js';
import { Card } from './card.js';
import { html } from './html.js';
import { board, connection, version, wantedCondition, wantedText } from './state.js';

/** How often cards may change places, and for how long a hand that moves over them keeps them still. */
const restMs = 2000;

let sortedAtMs = Number.NEGATIVE_INFINITY;
let touchedAtMs = Number.NEGATIVE_INFINITY;
/** @type {string[]} */
let order = [];

/** Grows when cards should look whether they may change places. */
const touch = () => {
  touchedAtMs = performance.now();
};

/** The names by what hurts. Cards do not run away from under a finger or from a reader's focus. */
const sorted = computed(() => {
  version.value;
  const nowMs = performance.now();
  const isHeld = nowMs - touchedAtMs < restMs || document.activeElement?.closest('.cards') != null;
  const isDue = nowMs - sortedAtMs >= restMs && !isHeld;
  if (isDue || order.length === 0) {
    order = byHurt(board).map(({ name }) => name);
    sortedAtMs = nowMs;
  } else if (order.length !== board.commands.size || order.some((name) => !board.commands.has(name))) {
    const known = new Set(order);
    const added = [...board.commands.keys()].filter((name) => !known.has(name));
    order = [...order.filter((name) => board.commands.has(name)), ...added];
  }
  return order;
});

/** Those that the viewer wants to see. */
const shown = computed(() => {
  const text = wantedText.value.trim().toLowerCase();
  const condition = wantedCondition.value;
  if (condition !== null) version.value;
  return sorted.value.filter((name) => {
    const command = board.commands.get(name);
    if (command === undefined || !name.toLowerCase().includes(text)) return false;
    return condition === null || conditionOf(command) === condition;
  });
});

/** The names that are shown, as one text: the grid is laid out anew only when they change. */
const layout = computed(() => shown.value.join('\n'));
const names = signal(/** @type {string[]} */ ([]));

/** Nothing has called through the proxy yet: how to begin. */
const Empty = () => {
  const egress = board.process?.egress ?? '127.0.0.1:7400';
  return html`
    <div class="empty">
      <h2>Nothing has been called yet</h2>
      <p>Send a request through the proxy, and its destination appears here:</p>
      <pre><code>${`curl -x http://${egress} http://example.com/`}</code></pre>
      <p>Or set <code>HTTP_PROXY=http://${egress}</code> for your app, or name your upstreams in the configuration.</p>
    </div>
  `;
};

const NothingFound = () => html`
  <div class="empty">
    <h2>No command matches</h2>
    <p>${`There are ${board.commands.size} in all.`}</p>
    <button type="button" class="button" onClick=${() => {
      wantedText.value = '';
      wantedCondition.value = null;
    }}>Show all</button>
  </div>
`;

/** All cards, worst first. */
export const Grid = () => {
  const last = useRef('');
  if (layout.value !== last.current) {
    last.current = layout.value;
    names.value = shown.peek();
  }
  if (board.process === null) {
    return connection.value.state === 'lost'
      ? null
      : html`<div class="empty" role="status"><p>Connecting…</p></div>`;
  }
  if (board.commands.size === 0) return html`<${Empty} />`;
  if (shown.value.length === 0) return html`<${NothingFound} />`;
  return html`
    <ul class="cards" onPointerMove=${touch} onPointerDown=${touch}>
      ${names.value.map((name) => html`<${Card} key=${name} name=${name} />`)}
    </ul>
  `;
};

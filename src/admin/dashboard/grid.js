import { computed, signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { byHurt, conditionOf, conditionWords } from '../../board/condition.js';
import { plural } from '../../board/figures.js';
import { Card } from './card.js';
import { html } from './html.js';
import { board, connection, version, wantedCondition, wantedText } from './state.js';

/** How often cards may change places. */
const restMs = 2000;
/** For how long they stay where they are for somebody who points at one, or has reached one by keyboard. */
const heldMs = 10_000;

let sortedAtMs = Number.NEGATIVE_INFINITY;
/** When somebody last moved, pressed or typed within the cards, and is still there. */
let touchedAtMs = Number.NEGATIVE_INFINITY;
/** @type {string[]} */
let order = [];

const touch = () => {
  touchedAtMs = performance.now();
};
const letGo = () => {
  touchedAtMs = Number.NEGATIVE_INFINITY;
};

/**
 * The names by what hurts. Cards do not run away from under a finger or from a reader's focus; but a pointer that was left
 * lying there, or the focus that a closed detail gave back, does not hide for ever what has become worst.
 */
const sorted = computed(() => {
  version.value;
  const nowMs = performance.now();
  const isDue = nowMs - sortedAtMs >= restMs && nowMs - touchedAtMs >= heldMs;
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

const NothingFound = () => {
  const text = wantedText.value.trim();
  const condition = wantedCondition.value;
  const wanted = [
    ...(condition === null ? [] : [`is ${conditionWords[condition]} now`]),
    ...(text === '' ? [] : [`has \u201c${text}\u201d in its name`]),
  ];
  return html`
    <div class="empty">
      <h2>No command matches</h2>
      <p>${`Of ${plural(board.commands.size, 'command')}, none ${wanted.join(' and ')}.`}</p>
      <button type="button" class="button" onClick=${() => {
        wantedText.value = '';
        wantedCondition.value = null;
      }}>Show all</button>
    </div>
  `;
};

/** Moved to another place in the document, an element loses the focus: it gets it back. */
const useKeptFocus = () => {
  const { activeElement } = document;
  useLayoutEffect(() => {
    if (document.activeElement !== document.body || !(activeElement instanceof HTMLElement)) return;
    if (activeElement.isConnected) activeElement.focus({ preventScroll: true });
  });
};

/** All cards, worst first. */
export const Grid = () => {
  const last = useRef('');
  useKeptFocus();
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
    <ul class="cards" onPointerMove=${touch} onPointerDown=${touch} onPointerLeave=${letGo} onFocusIn=${touch} onKeyDown=${touch}>
      ${names.value.map((name) => html`<${Card} key=${name} name=${name} />`)}
    </ul>
  `;
};

import { board, connection, heard } from './state.js';

/** @import { Connection } from './state.js' */
/** @import { Incident } from '../../board/stream-events.ts' */

const incidentKinds = ['transition', 'override', 'endpoint', 'endpoints', 'discovery', 'reload'];

/** From one attempt to the next, doubling. */
const firstWaitMs = 500;
const longestWaitMs = 5000;
/** So many ticks without a word, and the stream counts as lost, whatever the browser believes. */
const silentTicks = 5;
/** How long it may take to say why the stream cannot be had; a browser has few connections to one server. */
const whyNotMs = 2000;

/** @type {EventSource | null} */
let source = null;
let waitMs = firstWaitMs;
let lastWordMs = 0;
/** @type {number | undefined} */
let timer;

/** @param {Connection['state']} state @param {string} [why] */
const become = (state, why = '') => {
  const { value } = connection;
  if (value.state === state && value.why === why) return;
  const sinceMs = value.state === state ? value.sinceMs : performance.now();
  connection.value = { state, sinceMs, why };
};

/** @param {boolean} withTime */
const took = (withTime) => {
  lastWordMs = performance.now();
  waitMs = firstWaitMs;
  become('live');
  heard(withTime);
};

/** @param {MessageEvent} event */
const numberOf = ({ lastEventId }) => Number(lastEventId.slice(lastEventId.lastIndexOf('-') + 1));

/** Why the stream cannot be had, as far as the sidecar says. */
const whyNot = async () => {
  try {
    // HEAD is answered like GET, but takes no stream's place.
    const response = await fetch('/events', { method: 'HEAD', signal: AbortSignal.timeout(whyNotMs) });
    if (response.status === 401) location.reload();
    if (response.status === 421) return 'The sidecar does not answer to this host name: see admin.allowHosts';
    return response.ok
      ? 'Too many streams may be open: close other dashboards, or raise admin.maxStreams'
      : '';
  } catch {
    return 'The sidecar cannot be reached';
  }
};

const open = () => {
  source?.close();
  source = new EventSource('/events');
  lastWordMs = performance.now();
  source.addEventListener('snapshot', (event) => {
    board.snapshot(JSON.parse(event.data));
    took(true);
  });
  source.addEventListener('tick', (event) => {
    board.tick(JSON.parse(event.data));
    took(true);
  });
  for (const kind of incidentKinds) {
    source.addEventListener(kind, (event) => {
      board.incident(numberOf(event), /** @type {Incident} */ (JSON.parse(event.data)));
      took(false);
    });
  }
  source.onerror = () => lost();
};

const lost = () => {
  if (timer !== undefined) return;
  source?.close();
  // While it stays lost, the reason is kept: it would be read out again at every attempt.
  if (connection.value.state !== 'lost') become('lost');
  void whyNot().then((why) => {
    // The stream may have come back in the meantime.
    if (connection.value.state === 'lost') become('lost', why);
  });
  timer = setTimeout(() => {
    timer = undefined;
    open();
  }, waitMs);
  waitMs = Math.min(waitMs * 2, longestWaitMs);
};

/** A connection that died without a word (a laptop that slept, a port-forward that hangs) says nothing by itself. */
const watch = () => {
  const patienceMs = silentTicks * Math.max(board.tickMs, 1000);
  if (!document.hidden && performance.now() - lastWordMs > patienceMs) lost();
};

/** Reads `/events` into the board for as long as the page lives. */
export const follow = () => {
  open();
  setInterval(watch, 1000);
};

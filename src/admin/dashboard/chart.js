import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { count } from '../../board/figures.js';
import { html } from './html.js';
import { board, version } from './state.js';
import { colourOf, isDark } from './theme.js';

/** @import { TracePoint } from '../../board/board.js' */

const seconds = 120;

/** From the bottom of a bar to its top. */
const layers = /** @type {const} */ (['ok', 'fallback', 'refused', 'failed']);

/**
 * The last two minutes, second by second, as heights of stacked bars: each layer on top of those before it. A stretch
 * that lies over two seconds is shared out between them.
 * @param {readonly TracePoint[]} trace
 * @param {number} nowMs
 * @returns {{ times: number[], heights: number[][] }} `heights` in the order of the layers
 */
export const stacked = (trace, nowMs) => {
  // The second in progress would look like a dip.
  const lastSecond = Math.floor(nowMs / 1000) - 1;
  const times = Array.from({ length: seconds }, (_, index) => index - seconds + 1);
  const heights = layers.map(() => new Array(seconds).fill(0));
  for (const { atMs, lengthMs, requests, failed, refused, fallback } of trace) {
    const parts = [requests - failed - refused - fallback, fallback, refused, failed];
    const fromMs = atMs - Math.max(lengthMs, 1);
    for (let second = Math.floor(fromMs / 1000); second * 1000 < atMs; second += 1) {
      const index = second - lastSecond + seconds - 1;
      if (index < 0 || index >= seconds) continue;
      const sharedMs = Math.min(atMs, (second + 1) * 1000) - Math.max(fromMs, second * 1000);
      let below = 0;
      for (const [layer, part] of parts.entries()) {
        below += (part * sharedMs) / (atMs - fromMs);
        /** @type {number[]} */ (heights[layer])[index] += below;
      }
    }
  }
  return { times, heights };
};

/** @param {boolean} isShown @param {Partial<uPlot.Axis>} [more] @returns {uPlot.Axis} */
const axis = (isShown, more = {}) => ({
  show: isShown,
  stroke: colourOf('text-quiet'),
  grid: { stroke: colourOf('chart-grid'), width: 1 },
  ticks: { show: false },
  ...more,
});

/**
 * @param {number} width
 * @param {number} height
 * @param {boolean} isLarge with axes
 * @returns {uPlot.Options}
 */
const options = (width, height, isLarge) => ({
  width,
  height,
  padding: isLarge ? [8, 24, 0, 0] : [14, 0, 0, 0],
  legend: { show: false },
  cursor: { show: false },
  axes: [
    axis(isLarge, {
      size: 28,
      values: (_chart, splits) => splits.map((second) => (second === 0 ? 'now' : `${second} s`)),
    }),
    axis(isLarge, { size: 44, values: (_chart, splits) => splits.map((rate) => `${count(rate)}/s`) }),
  ],
  // Half a second more at both ends, or the first and the last bar are cut in half.
  scales: {
    x: { time: false, range: [0.5 - seconds, 0.5] },
    y: { range: (_chart, _min, max) => [0, Math.max(max, 1)] },
  },
  series: [
    {},
    // The highest is drawn first, and what lies below it over it.
    ...layers.toReversed().map((layer) => ({
      fill: colourOf(`chart-${layer}`),
      width: 0,
      points: { show: false },
      paths: /** @type {NonNullable<typeof uPlot.paths.bars>} */ (uPlot.paths.bars)({
        size: [0.9, 8],
        gap: 0,
      }),
    })),
  ],
});

/** For the canvas, and the height of the highest bar. @param {string} name */
const dataOf = (name) => {
  const { times, heights } = stacked(board.trace(name), board.nowMs);
  /** @type {uPlot.AlignedData} */
  const data = [times, ...heights.toReversed()];
  return { data, peak: Math.max(...(heights.at(-1) ?? [])) };
};

/** What the colours of the charts stand for. */
export const Legend = () => html`
  <ul class="legend" aria-label="Colours of the charts">
    <li><i class="is-ok"></i>answered</li>
    <li><i class="is-fallback"></i>fallback</li>
    <li><i class="is-refused"></i>refused</li>
    <li><i class="is-failed"></i>failed</li>
  </ul>
`;

/**
 * Two minutes of a command's requests by how they ended, for the eye; the figures beside it say the same in words.
 * @param {{ name: string, height?: number | null, isLarge?: boolean }} props `height` null: what the styles give it
 */
export const Chart = ({ name, height = null, isLarge = false }) => {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {uPlot | null} */ (null));
  const dark = isDark.value;
  const seen = version.value;
  const { data, peak } = dataOf(name);

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(options(element.clientWidth, element.clientHeight, isLarge), data, element);
    chart.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [name, height, dark]);

  useEffect(() => chart.current?.setData(data), [seen]);

  return html`
    <div class=${isLarge ? 'chart is-large' : 'chart'} ref=${place} style=${height === null ? null : { height: `${height}px` }} aria-hidden="true">
      ${peak === 0 ? html`<span class="idle">no requests in the last two minutes</span>` : null}
      ${isLarge || peak === 0 ? null : html`<span class="peak">${`${count(peak)}/s`}</span>`}
    </div>
  `;
};

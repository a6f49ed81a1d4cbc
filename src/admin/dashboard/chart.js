import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
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
  const lastSecond = Math.floor(nowMs / 1000);
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

/**
 * @param {number} width
 * @param {number} height
 * @returns {uPlot.Options}
 */
const options = (width, height) => ({
  width,
  height,
  padding: [4, 0, 0, 0],
  legend: { show: false },
  cursor: { show: false },
  axes: [{ show: false }, { show: false }],
  scales: { x: { time: false }, y: { range: (_chart, _min, max) => [0, Math.max(max, 1)] } },
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

/** @param {string} name @returns {uPlot.AlignedData} */
const dataOf = (name) => {
  const { times, heights } = stacked(board.trace(name), board.nowMs);
  return [times, ...heights.toReversed()];
};

/**
 * Two minutes of a command's requests by how they ended, for the eye; the figures beside it say the same in words.
 * @param {{ name: string, height?: number }} props
 */
export const Chart = ({ name, height = 56 }) => {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {uPlot | null} */ (null));
  const dark = isDark.value;
  const seen = version.value;

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(options(element.clientWidth, height), dataOf(name), element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [name, height, dark]);

  useEffect(() => chart.current?.setData(dataOf(name)), [seen]);

  return html`<div class="chart" ref=${place} style=${{ height: `${height}px` }} aria-hidden="true"></div>`;
};

import { html } from './html.js';

/** @import { Condition } from '../../board/condition.js' */

/** Each condition has a shape of its own, so that nobody needs the colour. */
const shapes = {
  closed: html`<circle cx="8" cy="8" r="7" /><path class="mark" d="M4.8 8.2l2.2 2.2 4.2-4.6" />`,
  'half-open': html`<path d="M8 .8L15.2 8 8 15.2.8 8z" /><path class="mark" d="M8 4.5v4M8 11v.2" />`,
  open: html`<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" /><path class="mark" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" />`,
  'forced-open': html`<rect x="1" y="1" width="14" height="14" rx="2" /><path class="mark" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" />`,
  'forced-closed': html`<rect x="1" y="1" width="14" height="14" rx="2" /><path class="mark" d="M4.8 8.2l2.2 2.2 4.2-4.6" />`,
};

/** @param {{ condition: Condition }} props */
export const ConditionIcon = ({ condition }) =>
  html`<svg class=${`icon is-${condition}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${shapes[condition]}</svg>`;

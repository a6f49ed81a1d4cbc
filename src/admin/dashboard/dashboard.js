import { effect } from '@preact/signals';
import { render } from 'preact';
import { Detail } from './detail.js';
import { Grid } from './grid.js';
import { Header, LostStrip } from './header.js';
import { html } from './html.js';
import { Incidents } from './incidents.js';
import { conditionCounts, connection } from './state.js';
import { follow } from './stream.js';

/** @import { ComponentChild } from 'preact' */

const Dashboard = () => html`
  <a class="skip" href="#cards">Skip to the commands</a>
  <${Header} />
  <${LostStrip} />
  <div class="page">
    <main id="cards" tabindex="-1" aria-label="Commands">
      <h2 class="unseen">Commands</h2>
      <${Grid} />
    </main>
    <${Incidents} />
  </div>
  <${Detail} />
`;

render(
  /** @type {ComponentChild} */ (html`<${Dashboard} />`),
  /** @type {HTMLElement} */ (document.getElementById('app')),
);

// A tab in the background tells it too.
effect(() => {
  const { open, 'forced-open': forced } = conditionCounts.value;
  document.title = open + forced === 0 ? 'Outrigger' : `(${open + forced} open) Outrigger`;
});

effect(() => {
  document.body.classList.toggle('is-stale', connection.value.state === 'lost');
});

follow();

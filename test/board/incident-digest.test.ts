import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '../../src/board/incident-digest.js';
import type { Incident } from '../../src/board/stream-events.ts';
import { endpointIncident, transitionIncident } from './board-fixture.ts';

const numbered = (...incidents: Incident[]) =>
  incidents.map((incident, index) => ({ number: index + 1, incident }));

/** The numbers of the incidents that are told of, and how many each stands for. */
const told = (...incidents: Incident[]) =>
  digest(numbered(...incidents)).map(({ last, times }) => [last.number, times]);

const opens = transitionIncident({ from: 'closed', to: 'open' });
const isProbed = transitionIncident({ from: 'open', to: 'half_open' });
const staysOpen = transitionIncident({ from: 'half_open', to: 'open' });
const closes = transitionIncident({ from: 'half_open', to: 'closed' });

test('a breaker that is probed in vain again and again is told of once, with the opening before it', () => {
  assert.deepEqual(told(opens, isProbed, staysOpen, isProbed, staysOpen, isProbed, staysOpen), [
    [1, 1],
    [7, 3],
  ]);
});

test('a probe that is under way, and one that closed the breaker, are told of', () => {
  assert.deepEqual(told(opens, isProbed), [
    [1, 1],
    [2, 1],
  ]);
  assert.deepEqual(told(opens, isProbed, staysOpen, isProbed, closes), [
    [1, 1],
    [3, 1],
    [4, 1],
    [5, 1],
  ]);
});

test('probes in vain of another outage, and of another breaker, are counted apart', () => {
  const other = { command: 'search' };
  assert.deepEqual(
    told(
      isProbed,
      staysOpen,
      isProbed,
      closes,
      opens,
      isProbed,
      staysOpen,
      { ...isProbed, ...other },
      {
        ...staysOpen,
        ...other,
      },
    ),
    [
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 1],
      [7, 1],
      [9, 1],
    ],
  );
});

test('endpoints of an upstream that fare alike within ten seconds are told of once, with how many they are', () => {
  const [entry, ...more] = digest(
    numbered(
      endpointIncident(),
      endpointIncident({ endpoint: '127.0.0.1:9106' }),
      endpointIncident({ at: 1_800_000_009_000 }),
    ),
  );

  assert.deepEqual(more, []);
  assert.equal(entry?.times, 3);
  assert.deepEqual(entry?.endpoints, ['127.0.0.1:9105', '127.0.0.1:9106']);
});

test('endpoints of another upstream, that fare otherwise, or much later, are told of apart', () => {
  assert.equal(
    told(
      endpointIncident(),
      endpointIncident({ upstream: 'reviews' }),
      endpointIncident({ change: 'available' }),
      endpointIncident({ at: 1_800_000_010_001 }),
    ).length,
    4,
  );
});

test('what was done by hand is told of once, although the state has changed as well', () => {
  const override: Incident = {
    kind: 'override',
    at: 1_800_000_000_000,
    command: 'reviews',
    force: 'open',
    cause: 'by hand',
    ttlMs: 300_000,
  };

  assert.deepEqual(told(override, transitionIncident({ forcedBy: 'hand' })), [[1, 1]]);
  assert.deepEqual(told(transitionIncident({ forcedBy: 'configuration' })), [[1, 1]]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBus } from '../../src/telemetry/bus.ts';
import type { DiscoveryChange, EndpointChange, EndpointSetChange } from '../../src/telemetry/events.ts';
import { exchangeEnded, transition } from './command-fixture.ts';

const opened = transition();
const change: EndpointChange = {
  upstream: 'reviews',
  endpoint: '10.0.0.1:80',
  change: 'available',
  why: '',
  at: 0,
};
const setChange: EndpointSetChange = {
  upstream: 'reviews',
  added: ['10.0.0.1:80'],
  removed: [],
  size: 1,
  why: '',
  at: 0,
};
const discovery: DiscoveryChange = {
  upstream: 'reviews',
  host: 'reviews.test',
  change: 'failing',
  why: '',
  at: 0,
};

test('every listener hears the events that it asked for, in the order of listeners', () => {
  const heard: string[] = [];
  const bus = new EventBus([
    { exchangeEnded: () => heard.push('first: exchange') },
    { breakerTransition: () => heard.push('second: transition') },
    {
      exchangeEnded: () => heard.push('third: exchange'),
      endpointChanged: () => heard.push('third: endpoint'),
      endpointSetChanged: () => heard.push('third: set'),
      discoveryChanged: () => heard.push('third: discovery'),
      tlsFilesChanged: () => heard.push('third: tls files'),
      configReloaded: () => heard.push('third: reload'),
    },
  ]);

  bus.exchangeEnded(exchangeEnded());
  bus.breakerTransition(opened);
  bus.endpointChanged(change);
  bus.endpointSetChanged(setChange);
  bus.discoveryChanged(discovery);
  bus.tlsFilesChanged({ upstream: 'reviews', result: 'refused', why: '', at: 0 });
  bus.configReloaded({ result: 'failed', why: '', at: 0 });

  assert.deepEqual(heard, [
    'first: exchange',
    'third: exchange',
    'second: transition',
    'third: endpoint',
    'third: set',
    'third: discovery',
    'third: tls files',
    'third: reload',
  ]);
});

test('a listener that throws is counted, and neither the others nor the publisher notice', () => {
  const heard: string[] = [];
  const broken = () => {
    throw new Error('defect');
  };
  const bus = new EventBus([
    {
      exchangeEnded: broken,
      breakerTransition: broken,
      endpointChanged: broken,
      endpointSetChanged: broken,
      discoveryChanged: broken,
    },
    {
      exchangeEnded: () => heard.push('exchange'),
      breakerTransition: () => heard.push('transition'),
      endpointChanged: () => heard.push('endpoint'),
      endpointSetChanged: () => heard.push('set'),
      discoveryChanged: () => heard.push('discovery'),
    },
  ]);

  bus.exchangeEnded(exchangeEnded());
  bus.breakerTransition(opened);
  bus.endpointChanged(change);
  bus.endpointSetChanged(setChange);
  bus.discoveryChanged(discovery);

  assert.deepEqual(heard, ['exchange', 'transition', 'endpoint', 'set', 'discovery']);
  assert.equal(bus.errors, 5);
});

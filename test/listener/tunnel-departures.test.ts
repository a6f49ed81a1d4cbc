import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Cap } from '../../src/lib/cap.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { Departures } from '../../src/listener/departures.ts';
import { HttpListener } from '../../src/listener/http.ts';
import { rejected } from '../../src/policy/outcome.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { FakeClient, Pipeline } from '../rig/pipeline.ts';
import { serverContext } from '../rig/server-context.ts';

for (const isTunnel of [false, true]) {
  const what = isTunnel ? 'goes on where it has become a tunnel' : 'is given up';
  test(`what a client has asked for that turns out to have left ${what}`, () => {
    const { context, clock } = new Pipeline();
    const listener = new HttpListener({
      context,
      limits: {
        bounds: serverContext(clock, () => {}).bounds,
        timeouts: { headMs: 1000, keepAliveMs: 1000, bodyIdleMs: 1000, writeStallMs: 1000 },
      },
      timeouts: new TimeoutQueues(clock),
      cap: new Cap(1),
      // The kernel knows of nobody.
      departures: new Departures(clock, (_path, done) => done('')),
      unrouted: new Commands().unrouted,
      route: () => rejected('no_route'),
    });
    const { exchange } = new FakeClient('CONNECT u:443 HTTP/1.1\r\nHost: u:443\r\n\r\n', clock.now());
    const ends = { remoteAddress: '127.0.0.1', remotePort: 1, localAddress: '127.0.0.1', localPort: 2 };
    let isGivenUp = false;
    const abandon = (): void => {
      isGivenUp = true;
    };
    const socket = ends as Socket;
    listener.clientEnded({ socket, exchange, isBusy: true, isDraining: false, rosterIndex: -1, abandon });
    // Meanwhile the upstream has taken the connection.
    exchange.isSwitched = isTunnel;

    clock.advance(100);

    assert.equal(isGivenUp, !isTunnel);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseHead } from '../../src/http1/response-head.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { clientGone, failure, type Outcome } from '../../src/policy/outcome.ts';
import { Dialer } from '../../src/upstream/dialer.ts';
import { Endpoint } from '../../src/upstream/endpoint.ts';
import { Http1Transport } from '../../src/upstream/http1-transport.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import type { Attempt, ResponseSink } from '../../src/upstream/transport.ts';
import { Signal } from '../rig/eventually.ts';
import { FakeTransport } from '../rig/fake-transport.ts';
import type { Owner } from '../rig/owner.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';

/** Writes down what an attempt tells. */
class Notes implements ResponseSink {
  readonly told: string[] = [];
  readonly changed = new Signal();

  connected(): void {
    this.#note('connected');
  }
  informational(head: ResponseHead): void {
    this.#note(`informational ${head.status}`);
  }
  head(head: ResponseHead): void {
    this.#note(`head ${head.status}`);
  }
  data(chunk: Buffer): boolean {
    this.#note(`data ${chunk}`);
    return true;
  }
  flush(): void {}
  switched(): void {
    this.#note('switched');
  }
  end(outcome: Outcome): void {
    const word = outcome.kind === 'success' ? outcome.status : outcome.reason;
    this.#note(`end ${outcome.kind} ${word}`);
  }

  /** Waits until so many things were told. */
  async count(count: number): Promise<void> {
    await this.changed.until(() => (this.told.length >= count ? true : null));
  }

  #note(text: string): void {
    this.told.push(text);
    this.changed.raise();
  }
}

/** A transport, and the server at its other end. */
interface Bench {
  prepare(sink: ResponseSink): Attempt;
  answerHead(): void;
  answerRest(): void;
  breakOff(): void;
}

const benches: Readonly<Record<string, (owner: Owner) => Promise<Bench>>> = {
  'our HTTP/1.1': async (owner) => {
    const upstream = await startRawUpstream(owner, () => {});
    const endpoint = new Endpoint({ kind: 'ip', host: '127.0.0.1', port: upstream.port });
    const timeouts = new TimeoutQueues(systemClock);
    owner.after(() => timeouts.close());
    const transport = new Http1Transport({
      clock: systemClock,
      dialer: new Dialer({
        clock: systemClock,
        timeouts,
        resolver: new Resolver({ clock: systemClock }),
        rules: null,
      }),
      pool: { connectionsPerEndpoint: 2, maxIdle: 2, idleMs: 1000 },
      bounds: {
        head: { lineBytes: 8192, headBytes: 8192, fields: 100 },
        chunked: { extensionBytes: 1024, trailerBytes: 1024, fields: 100 },
        informational: 10,
      },
    });
    owner.after(() => endpoint.connections?.close());
    const last = () => upstream.exchanges.at(-1)!;
    const whenThere = async (act: () => void) => {
      await upstream.changed.until(() => upstream.exchanges.at(-1) ?? null);
      act();
    };
    return {
      prepare: (sink) => transport.prepare(endpoint, plainRequest, sink),
      answerHead: () =>
        whenThere(() =>
          last().write('HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'),
        ),
      answerRest: () => last().write('ok'),
      breakOff: () => whenThere(() => last().connection.socket.resetAndDestroy()),
    };
  },
  'the double': async () => {
    const transport = new FakeTransport();
    transport.onStart = (attempt) => attempt.connect();
    const endpoint = new Endpoint({ kind: 'ip', host: '127.0.0.1', port: 1 });
    let hasHead = false;
    return {
      prepare: (sink) => transport.prepare(endpoint, plainRequest, sink),
      answerHead: () => {
        transport.last.inform('103 Early');
        transport.last.head(200);
        hasHead = true;
      },
      answerRest: () => {
        transport.last.data('ok');
        transport.last.end();
      },
      breakOff: () => transport.last.end(failure(hasHead ? 'response_incomplete' : 'reset', false)),
    };
  },
};

for (const [name, open] of Object.entries(benches)) {
  const begun = async (owner: Owner): Promise<{ bench: Bench; notes: Notes; attempt: Attempt }> => {
    const bench = await open(owner);
    const notes = new Notes();
    const attempt = bench.prepare(notes);
    assert.deepEqual(notes.told, [], 'nothing begins before start');
    attempt.start();
    await notes.count(1);
    return { bench, notes, attempt };
  };

  test(`${name}: an answer is told in its order, and its end once`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);
    bench.answerRest();
    await notes.count(5);
    attempt.abort(clientGone);
    attempt.discard();
    attempt.pause();
    attempt.resume();

    assert.deepEqual(notes.told, [
      'connected',
      'informational 103',
      'head 200',
      'data ok',
      'end success 200',
    ]);
  });

  test(`${name}: an abort is the end, told before it returns and only once`, async (t) => {
    const { notes, attempt } = await begun(t);

    attempt.abort(failure('attempt_timeout', false));
    assert.deepEqual(notes.told, ['connected', 'end failure attempt_timeout']);
    attempt.abort(clientGone);

    assert.equal(notes.told.length, 2);
  });

  test(`${name}: an abort in the middle of the answer ends with what it was aborted for`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);

    attempt.abort(clientGone);

    assert.equal(notes.told.at(-1), 'end cancelled client_gone');
  });

  test(`${name}: after a discard nothing more is told`, async (t) => {
    const { bench, notes, attempt } = await begun(t);
    bench.answerHead();
    await notes.count(3);

    attempt.discard();
    attempt.abort(clientGone);

    assert.equal(notes.told.length, 3);
  });

  test(`${name}: a connection that is lost before the head is a reset`, async (t) => {
    const { bench, notes } = await begun(t);
    bench.breakOff();
    await notes.count(2);

    assert.equal(notes.told.at(-1), 'end failure reset');
  });

  test(`${name}: one that is lost after the head is an incomplete answer`, async (t) => {
    const { bench, notes } = await begun(t);
    bench.answerHead();
    await notes.count(3);
    bench.breakOff();
    await notes.count(4);

    assert.equal(notes.told.at(-1), 'end failure response_incomplete');
  });
}

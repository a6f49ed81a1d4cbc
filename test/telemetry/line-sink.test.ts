import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescriptorWriter } from '../../src/telemetry/line-sink.ts';
import { LineSink } from '../../src/telemetry/line-sink.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

const systemError = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

/** A descriptor that finishes a write when the test says so. */
class FakeWriter implements DescriptorWriter {
  text = '';
  writes = 0;
  pausedMs = 0;
  /** Thrown by the next synchronous writes, one each. */
  readonly syncErrors: string[] = [];
  #offered: { readonly bytes: Buffer; readonly done: Done } | null = null;

  write(_descriptor: number, bytes: Buffer, offset: number, done: Done): void {
    assert.equal(this.#offered, null, 'one write at a time');
    this.writes += 1;
    this.#offered = { bytes: bytes.subarray(offset), done };
  }

  writeSync(_descriptor: number, bytes: Buffer, offset: number): number {
    const code = this.syncErrors.shift();
    if (code !== undefined) throw systemError(code);
    this.text += bytes.subarray(offset).toString();
    return bytes.length - offset;
  }

  pause(ms: number): void {
    this.pausedMs += ms;
  }

  finish(limit = Number.POSITIVE_INFINITY): void {
    const { bytes, done } = this.#take();
    const taken = bytes.subarray(0, limit);
    this.text += taken.toString();
    done(null, taken.length);
  }

  fail(code: string): void {
    this.#take().done(systemError(code), 0);
  }

  #take(): { readonly bytes: Buffer; readonly done: Done } {
    assert.ok(this.#offered !== null, 'a write is under way');
    const offered = this.#offered;
    this.#offered = null;
    return offered;
  }
}

const createSink = (maxBytes = 1024) => {
  const clock = new VirtualClock();
  const writer = new FakeWriter();
  return { clock, writer, sink: new LineSink({ clock, writer, maxBytes, descriptor: 1 }) };
};

test('lines that come within the gathering time are written together', () => {
  const { clock, writer, sink } = createSink();

  sink.write('one\n');
  sink.write('two\n');
  assert.equal(writer.writes, 0);
  clock.advance(50);
  writer.finish();

  assert.equal(writer.text, 'one\ntwo\n');
  assert.equal(writer.writes, 1);
  assert.equal(clock.pendingTimers, 0);
});

test('many bytes do not wait for the gathering time', () => {
  const { writer, sink } = createSink(100_000);

  sink.write(`${'x'.repeat(20_000)}\n`);

  assert.equal(writer.writes, 1);
});

test('what a partial write left over is written next, before newer lines', () => {
  const { clock, writer, sink } = createSink();
  sink.write('first line\n');
  clock.advance(50);

  sink.write('second\n');
  writer.finish(4);
  writer.finish();
  writer.finish();

  assert.equal(writer.text, 'first line\nsecond\n');
});

test('a reader that is stuck costs lines, which are counted, and no memory', () => {
  const { clock, writer, sink } = createSink(100);
  sink.write('0123456789\n');
  clock.advance(50);

  for (let index = 0; index < 20; index += 1) sink.write('0123456789\n');

  assert.equal(sink.dropped, 12, '9 lines of 11 bytes fit into 100');
  writer.finish();
  writer.finish();
  sink.write('again\n');
  clock.advance(50);
  writer.finish();
  assert.ok(writer.text.endsWith('again\n'));
});

test('a closed descriptor costs the lines that are written to it and nothing else', () => {
  const { clock, writer, sink } = createSink();
  sink.write('lost\n');
  sink.write('lost\n');
  clock.advance(50);
  writer.fail('EPIPE');

  sink.write('kept\n');
  clock.advance(50);
  writer.finish();

  assert.equal(sink.dropped, 2);
  assert.equal(writer.text, 'kept\n');
});

test('when there is room again, nothing is taken for the rest of a line that was torn off', () => {
  const { clock, writer, sink } = createSink();
  sink.write('one\n');
  sink.write('torn off\n');
  sink.write('lost\n');
  clock.advance(50);
  writer.finish(7);
  writer.fail('ENOSPC');
  sink.write('lost too\n');
  clock.advance(50);
  writer.fail('ENOSPC');
  assert.equal(sink.dropped, 3);

  sink.write('again\n');
  clock.advance(50);
  writer.finish();
  sink.write('and again\n');
  clock.advance(50);
  writer.finish();

  assert.equal(writer.text, 'one\ntor\nagain\nand again\n');
  assert.equal(sink.dropped, 3);
});

test('a descriptor that is busy is asked again', () => {
  const { clock, writer, sink } = createSink();
  sink.write('patient\n');
  clock.advance(50);
  writer.fail('EAGAIN');
  clock.advance(20);
  writer.finish();

  assert.equal(writer.text, 'patient\n');
  assert.equal(sink.dropped, 0);
});

test('a flush writes what waits before it returns, and leaves alone what is being written', () => {
  const { clock, writer, sink } = createSink();
  sink.write('under way\n');
  clock.advance(50);
  sink.write('waiting\n');

  sink.flush();

  assert.equal(writer.text, 'waiting\n');
  writer.finish();
  assert.equal(writer.text, 'waiting\nunder way\n');
  assert.equal(clock.pendingTimers, 0);
});

for (const code of ['EPIPE', 'EAGAIN']) {
  test(`a flush to a descriptor that answers ${code} for ever comes to an end`, () => {
    const { writer, sink } = createSink();
    writer.syncErrors.push(...new Array<string>(100).fill(code));
    sink.write('last words\n');

    sink.flush();

    assert.equal(sink.dropped, 1);
    assert.equal(writer.text, '');
    assert.ok(writer.pausedMs <= 200, `paused for ${writer.pausedMs} ms`);
  });
}

test('a flush tries a busy descriptor more than once', () => {
  const { writer, sink } = createSink();
  writer.syncErrors.push('EAGAIN', 'EAGAIN');
  sink.write('last words\n');

  sink.flush();

  assert.equal(writer.text, 'last words\n');
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { AttemptLoop } from '../../src/proxy/attempt-loop.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('each round waits its time, sends one attempt, and goes on as it is told', async () => {
  const clock = new VirtualClock();
  let attempts = 0;
  const loop = new AttemptLoop(clock, () => {
    attempts += 1;
  });

  loop.next(100);
  assert.equal(loop.isWaiting, true);
  clock.advance(99);
  await turn();
  assert.equal(attempts, 0);
  clock.advance(1);
  await turn();
  assert.equal(attempts, 1);
  assert.equal(loop.isWaiting, false);

  loop.next(50);
  assert.equal(loop.isWaiting, true);
  await turn();
  clock.advance(50);
  await turn();
  assert.equal(attempts, 2);
  loop.end();
  assert.equal(clock.pendingTimers, 0);
});

test('an attempt that asks for the next one before it returns gets it', async () => {
  const clock = new VirtualClock();
  let attempts = 0;
  const loop = new AttemptLoop(clock, () => {
    attempts += 1;
    if (attempts < 3) loop.next(0);
    else loop.end();
  });

  loop.next(0);
  for (let i = 0; i < 5; i += 1) {
    clock.advance(0);
    await turn();
  }

  assert.equal(attempts, 3);
  assert.equal(loop.isWaiting, false);
});

test('a loop that was ended while it waited sends nothing more and holds no timer', async () => {
  const clock = new VirtualClock();
  const loop = new AttemptLoop(clock, () => assert.fail('it was ended'));
  loop.next(100);

  loop.end();
  clock.advance(1000);
  await turn();

  assert.equal(loop.isWaiting, false);
  assert.equal(clock.pendingTimers, 0);
});

test('what an attempt throws is a defect that the process hears of, not a reason for another round', () => {
  const program = `
    import { AttemptLoop } from ${source('proxy/attempt-loop.ts')};
    import { systemClock } from ${source('lib/clock.ts')};
    const loop = new AttemptLoop(systemClock, () => {
      console.log('an attempt');
      throw new Error('as if');
    });
    loop.next(0);
    setTimeout(() => {}, 200);
  `;

  const end = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });

  assert.equal(end.stdout, 'an attempt\n');
  assert.match(end.stderr, /as if/);
  assert.equal(end.status, 1);
});

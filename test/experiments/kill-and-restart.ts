/**
 * SIGKILL under load and a new process on the same ports at once, twenty times, from the bundle (`npm run build` first):
 * when is it ready, and what does the app see? Takes about a minute.
 *
 *     node test/experiments/kill-and-restart.ts [TIMES]
 */
import { join } from 'node:path';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop, tallyOf } from '../rig/load.ts';
import { percentile } from '../rig/percentile.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const times = Number(process.argv[2] ?? 20);
const program = join(import.meta.dirname, '../../dist/outrigger.js');

await runExperiment(`SIGKILL under load, ${times} times`, async (owner) => {
  const upstream = await startHttpUpstream(owner);
  const config = {
    log: { access: 'off' },
    upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address] } },
  };
  let sidecar = await startSidecarProcess(owner, config, { program });
  const caller = makeCaller(owner, sidecar.egress);
  const readyMs: number[] = [];
  let isOver = false;
  const load = (async () => {
    const all = [];
    while (!isOver) all.push(...(await openLoop(100, 500, () => caller.call())));
    return all;
  })();
  for (let time = 0; time < times; time += 1) {
    await upstream.hasBegun(upstream.begun + 50);
    await sidecar.stop();
    const startedAt = performance.now();
    sidecar = await startSidecarProcess(owner, config, { program, place: sidecar });
    readyMs.push(performance.now() - startedAt);
  }
  isOver = true;
  const tally = tallyOf(await load);
  const known = new Set(['200', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE']);
  return [
    atMost('ready after, ms, median', percentile(readyMs, 50), 1000),
    reported('ready after, ms, at the most', Math.max(...readyMs)),
    reported('what the app saw', JSON.stringify(tally)),
    exactly(
      'ends that are no broken connection',
      Object.keys(tally).filter((end) => !known.has(end)).length,
      0,
    ),
  ];
});

import { useEffect, useState } from 'preact/hooks';

/** @import { TransitionIncident } from '../../board/stream-events.ts' */

/** @typedef {Omit<TransitionIncident, 'kind' | 'command'>} Transition */

/**
 * One value of the policy and who wrote it.
 * @typedef {object} PolicyLine
 * @property {string} key
 * @property {string} value
 * @property {'route' | 'upstream' | 'defaults' | 'limits' | 'built in'} layer
 * @property {string | null} place
 */

/**
 * What `GET /breakers/NAME` adds to the stream.
 * @typedef {object} BreakerDetail
 * @property {{ volume: number, errorPercent: number, slowerThanMs: number | null, slowPercent: number, sleepMs: number }} limits
 * @property {readonly Transition[]} transitions Newest last.
 * @property {{ requests: Record<string, Record<string, number>>, attempts: Record<string, number>, rejected: Record<string, number>, retries: Record<string, number>, retriesSkipped: Record<string, number> } | null} counters
 * @property {readonly PolicyLine[] | null} policy
 */

/** How often it is asked for while somebody looks. */
const refreshMs = 2000;

/**
 * The detail of a command, asked for again and again while it is shown.
 * @param {string} name
 * @returns {{ detail: BreakerDetail | null, problem: string }} `problem` is empty while all is well.
 */
export const useDetail = (name) => {
  const [detail, setDetail] = useState(/** @type {BreakerDetail | null} */ (null));
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let isWanted = true;
    const ask = async () => {
      if (document.hidden) return;
      try {
        const response = await fetch(`/breakers/${encodeURIComponent(name)}`);
        if (!isWanted) return;
        if (response.ok) setDetail(await response.json());
        if (response.status === 401) location.reload();
        setProblem(response.ok || response.status === 404 ? '' : `The sidecar answered ${response.status}.`);
      } catch {
        if (isWanted) setProblem('The sidecar cannot be reached; trying again by itself.');
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), refreshMs);
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [name]);
  return { detail, problem };
};

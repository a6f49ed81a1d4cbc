import type { Findings } from './findings.ts';
import type { Policy, WrittenPolicy } from './policy-keys.ts';
import type { Path } from './problem.ts';

/** RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304;

const checkFallback = (path: Path, written: WrittenPolicy, inForce: Policy, findings: Findings): void => {
  const fallback = written.fallback;
  if (fallback === undefined) return;
  const at = [...path, 'fallback'];
  if (fallback.body !== undefined && fallback.bodyFile !== undefined) {
    findings.add([...at, 'bodyFile'], 'body and bodyFile exclude each other', 'keep one of them');
  }
  const hasBody = (inForce.fallback.body ?? '') !== '' || inForce.fallback.bodyFile !== null;
  if (hasNoBody(inForce.fallback.status) && hasBody) {
    findings.add([...at, 'status'], `an answer with the status ${inForce.fallback.status} has no body`, '', [
      at,
    ]);
  }
};

/** Combinations within one policy that cannot be meant. `written` stands at `path`; `inForce` is the result of merging. */
export const checkPolicy = (
  path: Path,
  written: WrittenPolicy,
  inForce: Policy,
  findings: Findings,
): void => {
  checkFallback(path, written, inForce, findings);
  if (written.bulkhead?.queue === 0 && written.bulkhead.queueTimeout !== undefined) {
    const hint = 'give bulkhead.queue places, or leave it out';
    findings.add([...path, 'bulkhead', 'queueTimeout'], 'there is no queue', hint);
  }
};

/** Whole commands: keys that have no effect because the key that turns them on is nowhere to be seen. */
export const checkEffect = (
  path: Path,
  written: WrittenPolicy,
  inForce: Policy,
  findings: Findings,
): void => {
  const { fallback, breaker } = written;
  // Whoever writes the key itself, to say `off` or `[]`, knows.
  const isWithoutReason = inForce.fallback.on.length === 0 && fallback?.on === undefined;
  if (fallback !== undefined && isWithoutReason && Object.keys(fallback).length > 0) {
    const involved = [[...path, 'fallback', 'on']];
    const hint = 'name the reasons it is for';
    findings.add([...path, 'fallback'], 'has no effect without fallback.on', hint, involved);
  }
  const isNothingSlow =
    inForce.breaker.slowerThan === Number.POSITIVE_INFINITY && breaker?.slowerThan === undefined;
  if (breaker?.slowPercent !== undefined && isNothingSlow) {
    const at = [...path, 'breaker'];
    const message = 'has no effect without breaker.slowerThan';
    findings.add([...at, 'slowPercent'], message, 'say what is slow', [[...at, 'slowerThan']]);
  }
};

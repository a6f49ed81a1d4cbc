import type { Clock } from '../lib/clock.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { FailureReason } from '../policy/reason.ts';
import { isAvailable } from './balancer.ts';
import type { Endpoint } from './endpoint.ts';

/** How long an endpoint is passed over the first time; it doubles from time to time. */
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/** Share of that time that chance may take off, so that many proxies do not come back in step. */
const JITTER_RATIO = 0.25;

/** The failures that speak against the endpoint itself; not those of names, of rules, or of a slow answer. */
const blamed: ReadonlySet<FailureReason> = new Set([
  'connect_refused',
  'connect_failed',
  'connect_timeout',
  'tls_certificate_error',
  'tls_protocol_error',
  'tls_alert_received',
  'reset',
]);

/** What an outcome changed in the standing of its endpoint. */
export type Standing = 'unchanged' | 'passed_over' | 'available';

/** Books an attempt that is about to be sent, and whether it is the endpoint's trial. */
export const noteStart = (endpoint: Endpoint, clock: Clock): void => {
  endpoint.inFlight += 1;
  endpoint.attempts += 1;
  // Nearly always there is nothing to prove, and then the time need not be known.
  if (endpoint.consecutiveFailures > 0) endpoint.isOnTrial ||= isAvailable(endpoint, clock.now());
};

/**
 * Books the end of an attempt. An answer, whatever its status, clears the endpoint. A failure that speaks against it
 * passes it over for 1 s, then 2 s and so on to 30 s, less up to a quarter; while it is being passed over more failures
 * are counted and change nothing, since they are the same outage. Everything else (timeouts of an answer, a client that
 * left) proves nothing either way.
 */
export const noteEnd = (
  endpoint: Endpoint,
  outcome: Outcome,
  now: number,
  random: () => number,
): Standing => {
  endpoint.inFlight -= 1;
  endpoint.isOnTrial = false;
  if (outcome.kind === 'success') return clear(endpoint);
  if (outcome.kind !== 'failure') return 'unchanged';
  endpoint.failures += 1;
  if (outcome.status > 0) return clear(endpoint);
  return blamed.has(outcome.reason) ? blame(endpoint, now, random) : 'unchanged';
};

/** Books that an endpoint broke off in the middle of an answer whose head had cleared it. */
export const noteBrokenBody = (
  endpoint: Endpoint,
  outcome: Outcome,
  now: number,
  random: () => number,
): Standing => {
  if (outcome.kind !== 'failure') return 'unchanged';
  endpoint.failures += 1;
  return outcome.reason === 'response_incomplete' ? blame(endpoint, now, random) : 'unchanged';
};

const blame = (endpoint: Endpoint, now: number, random: () => number): Standing => {
  endpoint.consecutiveFailures += 1;
  if (endpoint.passedOverUntil > now) return 'unchanged';
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** endpoint.timesPassedOver);
  endpoint.timesPassedOver += 1;
  endpoint.passedOverUntil = now + fullMs * (1 - JITTER_RATIO * random());
  return 'passed_over';
};

const clear = (endpoint: Endpoint): Standing => {
  if (endpoint.consecutiveFailures === 0) return 'unchanged';
  endpoint.consecutiveFailures = 0;
  endpoint.timesPassedOver = 0;
  endpoint.passedOverUntil = 0;
  return 'available';
};

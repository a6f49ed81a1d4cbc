import type { Violation } from '../http1/violation.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { RejectedReason } from '../policy/reason.ts';

const byStatus: ReadonlyMap<number, RejectedReason> = new Map([
  [405, 'method_not_allowed'],
  [408, 'request_timeout'],
  [413, 'body_too_large'],
  [414, 'target_too_long'],
  [417, 'expectation_failed'],
  [431, 'head_too_large'],
  [501, 'not_implemented'],
  [505, 'version_unsupported'],
]);

/** What a request is refused with that breaks a rule of the wire. */
export const refusalOf = (violation: Violation): Rejected =>
  rejected(byStatus.get(violation.status) ?? 'bad_request', -1, violation.text);

import type { BreakerStatus, Permit, WatchableGate } from './gate.ts';

// One for all: it remembers nothing, so a second settle goes unnoticed here.
const openPermit: Permit = Object.freeze({
  kind: 'permit',
  isProbe: false,
  settle() {},
  addBodyFailure() {},
});

const openStatus: BreakerStatus = Object.freeze({
  state: 'closed',
  force: 'none',
  isOpen: false,
  isEnabled: false,
  total: 0,
  errors: 0,
  slow: 0,
  errorPercent: 0,
  nextProbeInMs: -1,
  why: 'the breaker is off',
});

/** A breaker that is off: it admits everything and cannot be forced (Hystrix: `circuitBreaker.enabled` false). */
export const openGate: WatchableGate = Object.freeze({
  peek: () => null,
  acquire: () => openPermit,
  addRejection() {},
  status: () => openStatus,
  force() {},
});

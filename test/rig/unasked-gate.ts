import type { Gate } from '../../src/policy/gate.ts';

const fail = (): never => {
  throw new Error('the bulkhead asked a gate');
};

/** The gate of a route, for tests of what stands before it: it is told apart from others and never asked. */
export const unaskedGate = (): Gate => ({ peek: fail, acquire: fail, addRejection: fail });

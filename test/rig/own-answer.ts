import assert from 'node:assert/strict';
import { fieldOf, statusOf, type WireMessage } from './wire-reader.ts';

/** What an answer of the proxy's own must say. */
export interface OwnAnswer {
  /** Statuses that the rule leaves a choice between, or the only one. */
  readonly status: number | readonly number[];
  /** Error type of RFC 9209. */
  readonly type?: string;
  readonly reason?: string;
}

const parseProxyStatus = (value: string): { type: string; reason: string } => {
  const match = /^outrigger; *error=([a-z_]+); *(?:[a-z-]+=[^;]*; *)*details="([^"\\]*)"/.exec(value);
  assert.ok(match, `Proxy-Status is ${JSON.stringify(value)}`);
  const reason = /(?:^| )reason=(\S+)/.exec(match[2]!);
  assert.ok(reason, `Proxy-Status details are ${JSON.stringify(match[2])}`);
  return { type: match[1]!, reason: reason[1]! };
};

/** Checks status, Proxy-Status and problem body against each other and against the expectation; gives the reason. */
export const assertOwnAnswer = (response: WireMessage, expected: OwnAnswer): string => {
  const status = statusOf(response);
  const statuses = typeof expected.status === 'number' ? [expected.status] : expected.status;
  assert.ok(statuses.includes(status), `status ${status}, expected ${statuses.join(' or ')}`);
  const proxyStatus = parseProxyStatus(fieldOf(response, 'proxy-status') ?? '');
  if (expected.type !== undefined) assert.equal(proxyStatus.type, expected.type);
  if (expected.reason !== undefined) assert.equal(proxyStatus.reason, expected.reason);
  if (response.framing === 'none') return proxyStatus.reason;
  assert.match(fieldOf(response, 'content-type') ?? '', /^application\/problem\+json/);
  const problem = JSON.parse(response.body.toString('utf8')) as Record<string, unknown>;
  assert.equal(problem['status'], status);
  assert.equal(problem['reason'], proxyStatus.reason);
  assert.equal(typeof problem['title'], 'string');
  return proxyStatus.reason;
};

import { eachMember } from '../http1/list-field.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { Plan } from './plan.ts';

/**
 * The protocols that a request offers to switch to and that its plan allows, in lower case with `, ` between them; empty
 * for none. What is left out is not offered to the upstream, and the request is then an ordinary one.
 */
export const offeredProtocols = (head: RequestHead, { upgrades }: Plan): string => {
  if (head.upgrade === '') return '';
  const offered: string[] = [];
  eachMember(head.upgrade, (protocol) => {
    if (upgrades.includes(protocol)) offered.push(protocol);
  });
  return offered.join(', ');
};

/**
 * Why an upgrade cannot be passed on; null: it can, or none is wanted. A client that offers cleartext HTTP/2 can do
 * without it (RFC 9113 section 3.1 has dropped it): that offer is only taken out.
 */
export const upgradeRefusal = (head: RequestHead, plan: Plan): Rejected | null => {
  if (head.upgrade === '' || head.upgrade === 'h2c') return null;
  if (offeredProtocols(head, plan) === '') {
    return rejected(
      'upgrade_unsupported',
      -1,
      'Add the protocol to upgrade of the upstream, if it speaks it',
    );
  }
  if (head.framing === 'none') return null;
  return rejected('upgrade_unsupported', -1, 'A request that offers an upgrade may have no content');
};

/** The head of the answer to CONNECT (RFC 9110 section 9.3.6: no field that speaks of content). */
export const connectedText = (via: string): string => `HTTP/1.1 200 Connection established\r\n${via}\r\n`;

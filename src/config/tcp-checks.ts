import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import type { WrittenUpstream } from './vocabulary.ts';

/** Keys that speak of requests and answers: there are none on a TCP connection. */
const httpKeys = ['routes', 'hostHeader', 'failure', 'fallback', 'upgrade', 'pool', 'transport'] as const;

/** A TCP upstream needs a port of its own and a place to connect to, and has nothing to do with HTTP. */
export const checkTcp = (path: Path, written: WrittenUpstream, findings: Findings): void => {
  if (written.protocol !== 'tcp') return;
  if (written.listen === undefined) {
    findings.add(
      [...path, 'protocol'],
      'a TCP upstream needs listen: nothing on a connection says whom it is for',
      'write listen: 127.0.0.1:PORT',
    );
  }
  if (written.endpoints === undefined && written.dns === undefined) {
    findings.add([...path, 'protocol'], 'a TCP upstream needs endpoints or dns', 'say where it runs');
  }
  if (written.tls?.alpn !== undefined) {
    findings.add([...path, 'tls', 'alpn'], 'has no effect on a TCP upstream', 'leave it out');
  }
  for (const key of httpKeys) {
    if (written[key] === undefined) continue;
    findings.add([...path, key], 'has no effect on a TCP upstream', 'leave it out', [[...path, 'protocol']]);
  }
};

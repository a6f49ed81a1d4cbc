import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import type { WrittenUpstream } from './vocabulary.ts';

/** True where undici speaks with the upstream, which passes on no upgrade. */
export const speaksUndici = ({ transport, tls }: WrittenUpstream): boolean =>
  transport === 'undici' || tls?.alpn?.includes('h2') === true;

/** What cannot be asked of who speaks with an upstream. */
export const checkTransport = (path: Path, written: WrittenUpstream, findings: Findings): void => {
  const alpn = written.tls?.alpn ?? [];
  if (alpn.length > 1) {
    const message = 'names more than one: which client speaks would depend on what the server agrees on';
    findings.add([...path, 'tls', 'alpn'], message, 'keep one of them');
  }
  if (speaksUndici(written) && written.upgrade !== undefined && written.upgrade.length > 0) {
    const by = written.transport === 'undici' ? 'transport: undici' : 'tls.alpn: [h2]';
    findings.add([...path, 'upgrade'], `has no effect with ${by}`, 'upgrades go over our own wire alone');
  }
};

import { readFileSync } from 'node:fs';
import { injectManifests } from '../../src/inject/inject-manifests.ts';
import type { SidecarMode } from '../../src/inject/sidecar-container.ts';

const app = readFileSync(new URL('app.yaml', import.meta.url), 'utf8');

/** What `outrigger inject` makes of the example, without the comment at its head. */
const injectedApp = (mode: SidecarMode): string => {
  const request = {
    remove: false,
    mode,
    configMap: null,
    tokenSecret: null,
    hasProxyVariables: true,
  } as const;
  const { text, complaints } = injectManifests(app, request);
  if (complaints.length > 0) throw new Error(complaints.map(({ message }) => message).join(', '));
  const flag = mode === 'native' ? '' : ` --${mode}`;
  return text.replace(/^(?:#.*\n)+/, `# Made of app.yaml by outrigger inject${flag} (write-manifests.ts).\n`);
};

/** The example with its sidecar, by the file's name. */
export const plainManifests = (): ReadonlyMap<string, string> =>
  new Map([
    ['native.yaml', injectedApp('native')],
    ['classic.yaml', injectedApp('classic')],
  ]);

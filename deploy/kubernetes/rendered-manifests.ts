import { stringify } from 'yaml';
import { sidecarContainer } from '../../src/inject/sidecar-container.ts';
import { chartFiles } from './chart-files.ts';
import { componentPatches } from './component-patches.ts';
import { plainManifests } from './plain-manifests.ts';

const snippet = `# The sidecar as a native one: put it first in initContainers of a pod. Without restartPolicy it is a classic one, first
# in containers. The pod needs a volume called outrigger-config whose outrigger.yaml has admin.probes: 0.0.0.0:7402.
# Made by write-manifests.ts.
`;

/** The files of this folder that are made, and not written: what each holds. */
export const renderedManifests = (): ReadonlyMap<string, string> =>
  new Map([
    ...plainManifests(),
    ['sidecar-container.yaml', snippet + stringify(sidecarContainer({ mode: 'native' }), { lineWidth: 0 })],
    ...componentPatches(),
    ...chartFiles(),
  ]);

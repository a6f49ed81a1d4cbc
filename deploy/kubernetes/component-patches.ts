import { stringify } from 'yaml';
import { configVolume, type SidecarMode, sidecarContainer } from '../../src/inject/sidecar-container.ts';

const patchOf = (mode: SidecarMode): string => {
  const listed = mode === 'native' ? 'initContainers' : 'containers';
  const podSpec = {
    [listed]: [sidecarContainer({ mode })],
    volumes: [configVolume({ configMap: 'outrigger' })],
  };
  // Kind and name are those of whatever the component's target is.
  const patch = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'any' },
    spec: { template: { spec: podSpec } },
  };
  return `# Made by ../write-manifests.ts from src/inject/sidecar-container.ts.\n${stringify(patch, { lineWidth: 0 })}`;
};

/** What the kustomize components add to a workload, by the file's name. */
export const componentPatches = (): ReadonlyMap<string, string> =>
  new Map([
    ['component/native-sidecar.yaml', patchOf('native')],
    ['component/classic/classic-sidecar.yaml', patchOf('classic')],
  ]);

import { probePort, proxyVariables, sidecarNames } from './sidecar-container.ts';

/** Data of a manifest, of which nothing is known: it may be anything. */
type Data = Readonly<Record<string, unknown>>;

const mappingOf = (value: unknown): Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : {};

const listOf = (value: unknown): readonly Data[] => (Array.isArray(value) ? value.map(mappingOf) : []);

/** What is said about a pod, and what to do. */
export interface Finding {
  readonly message: string;
  readonly hint: string;
}

/** True for a container that an earlier run has put there. */
export const isOurContainer = (container: unknown): boolean => {
  const { name, volumeMounts } = mappingOf(container);
  return (
    name === sidecarNames.container &&
    listOf(volumeMounts).some((mount) => mount['name'] === sidecarNames.volume)
  );
};

/** True for a volume that an earlier run has put there. */
export const isOurVolume = (volume: unknown): boolean => {
  const { name, configMap, downwardAPI } = mappingOf(volume);
  return name === sidecarNames.volume && (configMap !== undefined || downwardAPI !== undefined);
};

/** True for a pod that an earlier run has given a sidecar. */
export const hasSidecar = (pod: unknown): boolean => {
  const { containers, initContainers } = mappingOf(pod);
  return [...listOf(initContainers), ...listOf(containers)].some(isOurContainer);
};

/** Why a pod is left as it is, unless an annotation asks for the sidecar; null: nothing is in the way. */
export const reasonToPass = (object: unknown, pod: unknown): Finding | null => {
  const { hostNetwork, nodeSelector, os } = mappingOf(pod);
  if (hostNetwork === true) {
    const message = 'uses the network of its node, where the ports of two sidecars would meet';
    return { message, hint: 'run one Outrigger on each node instead' };
  }
  if (mappingOf(nodeSelector)['kubernetes.io/os'] === 'windows' || mappingOf(os)['name'] === 'windows')
    return { message: 'runs on Windows, for which there is no image', hint: '' };
  const owner = listOf(mappingOf(mappingOf(object)['metadata'])['ownerReferences']).find(
    (each) => each['controller'] === true,
  );
  if (owner === undefined) return null;
  const message = `belongs to ${String(owner['kind'])} ${String(owner['name'])}, which would undo it`;
  return { message, hint: 'inject that one' };
};

/** The proxy, the admin interface, and the probes. */
const ourPorts: readonly unknown[] = [7400, 7401, probePort];

const portClash = (container: Data): Finding | null => {
  for (const { containerPort, name } of listOf(container['ports'])) {
    const where = `container ${String(container['name'])}`;
    if (ourPorts.includes(containerPort)) {
      const message = `${where} has port ${String(containerPort)}, which the sidecar needs`;
      return { message, hint: 'containers of a pod share one network: move the port of the app' };
    }
    if (name === sidecarNames.port)
      return {
        message: `${where} calls a port ${sidecarNames.port}, as the sidecar does`,
        hint: 'rename it',
      };
  }
  return null;
};

/** Why a pod cannot have a sidecar; null: it can. */
export const obstacle = (kind: string, pod: unknown, mode: 'native' | 'classic'): Finding | null => {
  const { containers, initContainers, volumes } = mappingOf(pod);
  const all = [...listOf(initContainers), ...listOf(containers)];
  const others = all.filter((container) => !isOurContainer(container));
  if (others.some(({ name }) => name === sidecarNames.container)) {
    const message = `has a container called ${sidecarNames.container} that inject did not put there`;
    return { message, hint: 'rename it' };
  }
  if (listOf(volumes).some((each) => each['name'] === sidecarNames.volume && !isOurVolume(each)))
    return { message: `has a volume called ${sidecarNames.volume} of another kind`, hint: 'rename it' };
  if (listOf(containers).every(isOurContainer)) return { message: 'has no container of its own', hint: '' };
  if (mode === 'classic' && (kind === 'Job' || kind === 'CronJob')) {
    const message = `is a ${kind}, which would never complete beside a classic sidecar`;
    return { message, hint: 'use a native one (Kubernetes 1.29), or outrigger/inject: disabled' };
  }
  return others.map(portClash).find((clash) => clash !== null) ?? null;
};

/** `drain.deadline`, unless it is configured otherwise. */
const drainSeconds = 25;

/** What somebody should know who gives a pod a sidecar. */
export const podWarnings = (kind: string, pod: unknown, mode: 'native' | 'classic'): Finding[] => {
  const { terminationGracePeriodSeconds: grace, shareProcessNamespace, restartPolicy } = mappingOf(pod);
  const warnings: Finding[] = [];
  if (typeof grace === 'number' && grace <= drainSeconds) {
    const message = `terminationGracePeriodSeconds is ${grace}, but the sidecar may drain for ${drainSeconds} s`;
    warnings.push({ message, hint: 'give it 30, or lower drain.deadline' });
  }
  if (shareProcessNamespace === true) {
    const message =
      'shares its processes: root in a container of the app can read the memory of the sidecar and end it';
    warnings.push({ message, hint: '' });
  }
  if (mode === 'classic' && kind === 'Pod' && restartPolicy !== undefined && restartPolicy !== 'Always') {
    const message = `restartPolicy is ${String(restartPolicy)}, but beside a classic sidecar the pod never completes`;
    warnings.push({ message, hint: 'use a native one (Kubernetes 1.29)' });
  }
  return warnings;
};

const proxyNames: readonly unknown[] = ['http_proxy', 'https_proxy'];

const isOurVariable = ({ name, value }: Data): boolean =>
  proxyVariables.some((ours) => ours.name === name && ours.value === value);

/**
 * Containers of the app that name a proxy of their own, which stays. The values are not told: they may hold a password.
 */
export const foreignProxies = (pod: unknown): Finding[] => {
  const findings: Finding[] = [];
  for (const container of listOf(mappingOf(pod)['containers'])) {
    if (isOurContainer(container)) continue;
    const names = listOf(container['env'])
      .filter(({ name }) => typeof name === 'string' && proxyNames.includes(name.toLowerCase()))
      .filter((variable) => !isOurVariable(variable))
      .map(({ name }) => String(name));
    if (names.length === 0) continue;
    const message = `container ${String(container['name'])} sets ${names.join(' and ')} itself: what goes there passes the sidecar by`;
    findings.push({ message, hint: 'take it out of the container, or say outrigger/proxy-env: disabled' });
  }
  return findings;
};

/** The ConfigMap that the volume of an earlier run shows; null: it was no ConfigMap, or there was no earlier run. */
export const earlierConfigMap = (pod: unknown): string | null => {
  const volume = listOf(mappingOf(pod)['volumes']).find(isOurVolume);
  const name = mappingOf(volume?.['configMap'])['name'];
  return typeof name === 'string' ? name : null;
};

import type { Container, PodSpec, SecurityContext, Volume } from 'kubernetes-types/core/v1.js';

/** The kinds of volume that the restricted Pod Security Standard lets a pod have. */
const volumeKinds: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** What the restricted standard lets a container add, beside nothing. */
const addable: ReadonlySet<string> = new Set(['NET_BIND_SERVICE']);

/** The settings of the kernel that it lets a pod have, of those that concern us. */
const safeSysctls: ReadonlySet<string> = new Set(['net.ipv4.ip_unprivileged_port_start']);

const containersOf = (pod: PodSpec): Container[] => [...(pod.initContainers ?? []), ...pod.containers];

/** Settings of the pod hold for its containers where these have none of their own. */
const inForce = (pod: PodSpec, container: Container): SecurityContext => {
  const { runAsNonRoot, runAsUser, seccompProfile } = pod.securityContext ?? {};
  return {
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(seccompProfile === undefined ? {} : { seccompProfile }),
    ...container.securityContext,
  };
};

const isProfileAllowed = (type: string | undefined): boolean =>
  type === 'RuntimeDefault' || type === 'Localhost';

/** What the restricted standard has against a container. */
const containerBreaches = (pod: PodSpec, container: Container): string[] => {
  const context = inForce(pod, container);
  const { add = [], drop = [] } = context.capabilities ?? {};
  const wrong: string[] = [];
  if (context.runAsNonRoot !== true) wrong.push('runAsNonRoot is not true');
  if (context.runAsUser === 0) wrong.push('runAsUser is 0');
  if (context.allowPrivilegeEscalation !== false) wrong.push('allowPrivilegeEscalation is not false');
  if (context.privileged === true) wrong.push('is privileged');
  if (!drop.includes('ALL')) wrong.push('does not drop ALL capabilities');
  const added = add.filter((name) => !addable.has(name));
  if (added.length > 0) wrong.push(`adds ${added.join(', ')}`);
  if (!isProfileAllowed(context.seccompProfile?.type)) wrong.push('seccompProfile is not RuntimeDefault');
  if (context.procMount !== undefined && context.procMount !== 'Default') wrong.push('procMount');
  if ((container.ports ?? []).some(({ hostPort = 0 }) => hostPort !== 0)) wrong.push('has a hostPort');
  return wrong.map((what) => `${container.name}: ${what}`);
};

const volumeBreaches = (volume: Volume): string[] =>
  Object.keys(volume)
    .filter((key) => key !== 'name' && !volumeKinds.has(key))
    .map((kind) => `volume ${volume.name}: is a ${kind}`);

/**
 * What the restricted Pod Security Standard has against a pod, one line for each thing; none: it passes. Ephemeral
 * containers and Windows are left out, because no manifest of ours has them.
 */
export const restrictedBreaches = (pod: PodSpec): string[] => [
  ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => pod[key] === true),
  ...(pod.securityContext?.sysctls ?? [])
    .filter(({ name }) => !safeSysctls.has(name))
    .map(({ name }) => name),
  ...(pod.volumes ?? []).flatMap(volumeBreaches),
  ...containersOf(pod).flatMap((container) => containerBreaches(pod, container)),
];

/** What our own rules have against a container, beyond the standard: it writes nowhere, and its memory has a limit. */
export const ownBreaches = (container: Container): string[] => {
  const wrong: string[] = [];
  const { requests = {}, limits = {} } = container.resources ?? {};
  if (container.securityContext?.readOnlyRootFilesystem !== true) wrong.push('its root may be written');
  if (limits['memory'] === undefined) wrong.push('its memory has no limit');
  if (requests['memory'] === undefined || requests['cpu'] === undefined) wrong.push('it asks for nothing');
  if (/:latest$|^[^:@]*$/.test(container.image ?? '')) wrong.push('its image has no version');
  return wrong.map((what) => `${container.name}: ${what}`);
};

/** What our own rules have against a sidecar: it has probes, and its processor is not throttled. */
export const sidecarBreaches = (container: Container): string[] => [
  ...ownBreaches(container),
  ...(['startupProbe', 'readinessProbe', 'livenessProbe'] as const)
    .filter((key) => container[key] === undefined)
    .map((key) => `${container.name}: no ${key}`),
  ...(container.resources?.limits?.['cpu'] === undefined ? [] : [`${container.name}: its CPU is throttled`]),
  ...(container.lifecycle === undefined ? [] : [`${container.name}: has a hook`]),
  ...(container.volumeMounts ?? [])
    .filter(({ subPath }) => subPath !== undefined)
    .map(({ name }) => `${container.name}: ${name} is mounted by subPath and never updated`),
];

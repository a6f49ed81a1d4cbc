import { type Document, parse, type YAMLMap } from 'yaml';
import { mapOf, textOf } from './node-lookup.ts';
import type { Finding } from './pod-checks.ts';
import { probePort, sidecarNames } from './sidecar-container.ts';

/** A ConfigMap of the stream, or a pod's use of one. */
export interface ConfigMapName {
  readonly name: string;
  /** null: whichever it is applied to. */
  readonly namespace: string | null;
}

/** A ConfigMap that stands in the stream. */
export interface SeenConfigMap extends ConfigMapName {
  /** Its `outrigger.yaml`; null: it has none. */
  readonly config: string | null;
}

const nameOf = (document: Document, object: YAMLMap): ConfigMapName => {
  const metadata = mapOf(document, object, 'metadata');
  const [name, namespace] = ['name', 'namespace'].map((key) => metadata && textOf(document, metadata, key));
  return { name: name ?? '', namespace: namespace ?? null };
};

/** The ConfigMap that an object is; null: it is something else. */
export const configMapOf = (document: Document, object: YAMLMap): SeenConfigMap | null => {
  if (textOf(document, object, 'kind') !== 'ConfigMap' || textOf(document, object, 'apiVersion') !== 'v1')
    return null;
  const data = mapOf(document, object, 'data');
  return { ...nameOf(document, object), config: data && textOf(document, data, sidecarNames.file) };
};

/** The ConfigMap that the pods of a workload use. */
export const useOf = (document: Document, workload: YAMLMap, configMap: string): ConfigMapName => ({
  ...nameOf(document, workload),
  name: configMap,
});

/** What `admin.probes` says; undefined where it cannot be told, as with a reference to the environment. */
const probesIn = (config: string): unknown => {
  try {
    const probes = parse(config, { logLevel: 'silent' })?.admin?.probes;
    return typeof probes === 'string' && probes.includes('$') ? undefined : (probes ?? null);
  } catch {
    // What is no YAML is refused by the sidecar, with line and column.
    return undefined;
  }
};

const isReachable = (probes: unknown): boolean =>
  typeof probes === 'string' &&
  probes.endsWith(`:${probePort}`) &&
  !/^(?:127\.|localhost|\[::1\])/.test(probes);

/** What keeps a kubelet from asking a sidecar with this configuration; null: nothing that could be seen. */
export const probesFinding = (config: string): Finding | null => {
  const probes = probesIn(config);
  if (probes === undefined || isReachable(probes)) return null;
  const is = probes === null ? 'is missing' : `is ${JSON.stringify(probes)}`;
  return {
    message: `admin.probes ${is} in its configuration, so that the kubelet could not ask and the pod would not start`,
    hint: `write admin: { probes: 0.0.0.0:${probePort} }`,
  };
};

/** What is wrong with the ConfigMap that is used, if it is in the stream; null: nothing, or it is elsewhere. */
export const configMapFinding = (use: ConfigMapName, seen: readonly SeenConfigMap[]): Finding | null => {
  const found = seen.find(
    ({ name, namespace }) =>
      name === use.name && (namespace === null || use.namespace === null || namespace === use.namespace),
  );
  if (found === undefined) return null;
  if (found.config !== null) return probesFinding(found.config);
  return {
    message: `ConfigMap ${use.name} has no ${sidecarNames.file}`,
    hint: `call its key ${sidecarNames.file}`,
  };
};

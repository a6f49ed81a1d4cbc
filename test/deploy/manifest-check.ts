import type { Container } from 'kubernetes-types/core/v1.js';
import { type Manifest, podOf } from './kubernetes-tools.ts';
import { ownBreaches, restrictedBreaches, sidecarBreaches } from './pod-security.ts';

interface Model {
  validate(): void;
}

/** What the schema of Kubernetes has against an object: types and missing fields. It passes over unknown ones. */
const schemaBreaches = async (manifest: Manifest): Promise<string[]> => {
  const { apiVersion, kind } = manifest;
  const module = (await import(`kubernetes-models/${apiVersion}/${kind}`)) as Readonly<
    Record<string, new (data: Manifest) => Model>
  >;
  try {
    new module[kind]!(manifest).validate();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
};

const labelBreaches = ({ metadata }: Manifest): string[] => {
  const known = ['app.kubernetes.io/name', 'app.kubernetes.io/part-of'];
  return known.some((label) => metadata.labels?.[label] !== undefined)
    ? []
    : ['has no app.kubernetes.io label'];
};

const containerBreaches = (container: Container): string[] =>
  container.name === 'outrigger' ? sidecarBreaches(container) : ownBreaches(container);

/**
 * What there is against an object that we would have people apply, one line each: the schema of its kind, the restricted
 * Pod Security Standard, our own rules for containers, labels by convention.
 */
export const manifestBreaches = async (manifest: Manifest): Promise<string[]> => {
  const pod = podOf(manifest);
  const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
  const found = [
    ...(await schemaBreaches(manifest)),
    ...(manifest.kind === 'ConfigMap' || manifest.kind === 'Secret' ? [] : labelBreaches(manifest)),
    ...(pod === null ? [] : restrictedBreaches(pod)),
    ...containers.flatMap(containerBreaches),
  ];
  return found.map((what) => `${manifest.kind} ${manifest.metadata.name}: ${what}`);
};

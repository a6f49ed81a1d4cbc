import { type Document, isMap, type YAMLMap } from 'yaml';
import { mapOf, mapsIn, seqOf, textOf } from './node-lookup.ts';
import { contentStart } from './node-places.ts';

/** A workload, and the pod that it describes. */
export interface Workload {
  readonly kind: string;
  /** For people: `Deployment shop/web`. */
  readonly subject: string;
  readonly offset: number;
  readonly object: YAMLMap;
  /** Has `metadata` and `spec` of the pods. For a Pod it is the object. */
  readonly template: YAMLMap;
  readonly spec: YAMLMap;
}

/** API groups with their kinds, and where those have the template of their pods. */
const kinds: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '': { Pod: [] },
  apps: {
    Deployment: ['spec', 'template'],
    StatefulSet: ['spec', 'template'],
    DaemonSet: ['spec', 'template'],
    ReplicaSet: ['spec', 'template'],
  },
  batch: { Job: ['spec', 'template'], CronJob: ['spec', 'jobTemplate', 'spec', 'template'] },
};

/** The kinds of workload that get a sidecar. */
export const workloadKinds: readonly string[] = Object.values(kinds).flatMap((group) => Object.keys(group));

/** The group of `apps/v1`; that of `v1` has no name. */
const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

const descend = (document: Document, from: YAMLMap, path: readonly string[]): YAMLMap | null => {
  let map: YAMLMap | null = from;
  for (const key of path) map = map === null ? null : mapOf(document, map, key);
  return map;
};

/** What an object is called, for people. */
export const subjectOf = (document: Document, object: YAMLMap): string => {
  const metadata = mapOf(document, object, 'metadata');
  const [name, namespace] = ['name', 'namespace'].map((key) => metadata && textOf(document, metadata, key));
  const place = namespace ? `${namespace}/` : '';
  return `${textOf(document, object, 'kind')} ${place}${name ?? '(without a name)'}`;
};

/** The objects of a document: itself, or those of a List. */
export const objectsOf = (document: Document): YAMLMap[] => {
  const root = document.contents;
  if (!isMap(root)) return [];
  const isList = textOf(document, root, 'kind') === 'List' && textOf(document, root, 'apiVersion') === 'v1';
  return isList ? mapsIn(document, seqOf(document, root, 'items')) : [root];
};

/** The workload that an object is; null: it is something else. A template without containers is null in it. */
export const workloadOf = (document: Document, object: YAMLMap): Workload | 'incomplete' | null => {
  const kind = textOf(document, object, 'kind') ?? '';
  const group = kinds[groupOf(textOf(document, object, 'apiVersion') ?? '')];
  const path = group !== undefined && Object.hasOwn(group, kind) ? group[kind] : undefined;
  if (path === undefined) return null;
  const template = descend(document, object, path);
  const spec = template && mapOf(document, template, 'spec');
  if (template === null || spec === null || seqOf(document, spec, 'containers') === null) return 'incomplete';
  const subject = subjectOf(document, object);
  return { kind, subject, offset: contentStart(object), object, template, spec };
};

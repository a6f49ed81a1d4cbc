import { type Document, isScalar, type Pair, type YAMLMap } from 'yaml';
import { ManifestError } from './complaint.ts';
import { mapOf, nodeAt } from './node-lookup.ts';
import { contentStart } from './node-places.ts';
import type { Workload } from './pod-templates.ts';
import { type SidecarMode, type SidecarOptions, sidecarNames } from './sidecar-container.ts';

/** What is wanted for a pod, from its annotations and the command line. */
export interface PodWishes extends SidecarOptions {
  readonly configMap: string | null;
  readonly tokenSecret: string | null;
  /** Whether the app's containers are told of the proxy. */
  readonly hasProxyVariables: boolean;
  /** `asked`: an annotation says so, and what stands against it is an error and no reason to pass over. */
  readonly inject: 'asked' | 'usual' | 'disabled';
  /** The configuration that somebody wrote into the annotation. null: none. */
  readonly ownConfig: string | null;
}

/** What the command line says of all pods. */
export type CommonWishes = Pick<PodWishes, 'mode' | 'configMap' | 'tokenSecret' | 'hasProxyVariables'> &
  Pick<SidecarOptions, 'image'>;

const prefix = 'outrigger/';

interface Rule {
  readonly pattern: RegExp;
  readonly expected: string;
}

const name: Rule = {
  pattern: /^[a-z0-9](?:[-a-z0-9]{0,251}[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
  expected: 'a name: lower-case letters, digits, - and .',
};
const amount: Rule = {
  pattern: /^(?!0+$)\d{1,15}(?:\.\d{1,3})?(?:m|k|M|G|Ki|Mi|Gi)?$/,
  expected: 'an amount such as 50m or 128Mi',
};
const onOff: Rule = { pattern: /^(?:enabled|disabled)$/, expected: 'enabled or disabled' };

/** What each annotation may say. */
const rules = {
  inject: onOff,
  mode: { pattern: /^(?:native|classic)$/, expected: 'native or classic' },
  image: {
    pattern: /^[a-z0-9][\w.:/@-]{0,511}$/i,
    expected: 'an image such as registry.example/outrigger:1.2.3',
  },
  'config-map': name,
  'token-secret': name,
  'proxy-env': onOff,
  cpu: amount,
  memory: amount,
  'memory-limit': amount,
  config: { pattern: /^/, expected: 'a configuration' },
} satisfies Readonly<Record<string, Rule>>;

type Key = keyof typeof rules;

/** The annotations that a person may write, without their prefix. */
export const annotationKeys = Object.keys(rules) as readonly Key[];

const isKey = (key: string): key is Key => Object.hasOwn(rules, key);

/** What is wrong with a value for an annotation, or for the flag of the same name; null: nothing. */
export const wrongValue = (key: Key, value: string): string | null =>
  rules[key].pattern.test(value) ? null : `${JSON.stringify(value)} is not ${rules[key].expected}`;

const readOne = (pair: Pair): readonly [Key, string] | null => {
  const [key, value] = [pair.key, pair.value].map((node) => (isScalar(node) ? node.value : undefined));
  if (typeof key !== 'string' || !key.startsWith(prefix)) return null;
  const short = key.slice(prefix.length);
  if (!isKey(short))
    throw new ManifestError(contentStart(pair), `${key} is not known`, `known: ${annotationKeys.join(', ')}`);
  if (typeof value !== 'string')
    throw new ManifestError(contentStart(pair), `${key} is not a text`, 'put its value in quotes');
  const wrong = wrongValue(short, value);
  if (wrong !== null) throw new ManifestError(contentStart(pair), `${key}: ${wrong}`);
  return [short, value];
};

type Written = Readonly<Partial<Record<Key, string>>>;

const annotationsOf = (document: Document, holder: YAMLMap): Written => {
  const metadata = mapOf(document, holder, 'metadata');
  const annotations = metadata && mapOf(document, metadata, 'annotations');
  const pairs = (annotations?.items ?? []).map(readOne).filter((pair) => pair !== null);
  return Object.fromEntries(pairs);
};

/** Where the configuration comes from: what is said of this pod goes before what is said of all. */
const configOf = (written: Written, common: CommonWishes, ownConfig: string | null, workload: Workload) => {
  const fromAnnotation = written['config-map'];
  if (fromAnnotation !== undefined && ownConfig !== null) {
    const message = `has both ${prefix}config-map and a configuration of its own in ${sidecarNames.configAnnotation}`;
    throw new ManifestError(workload.offset, message, 'remove one of them');
  }
  return ownConfig === null ? (fromAnnotation ?? common.configMap) : null;
};

/**
 * The wishes for a workload: annotations of its pods, then its own, then the command line. `isOurs` tells a
 * configuration that we wrote from one that a person did. Throws {@link ManifestError} for a value that cannot be.
 */
export const wishesFor = (
  document: Document,
  workload: Workload,
  common: CommonWishes,
  isOurs: (config: string) => boolean,
): PodWishes => {
  const ofPods = annotationsOf(document, workload.template);
  const ofObject = workload.object === workload.template ? {} : annotationsOf(document, workload.object);
  if (ofObject.config !== undefined) {
    const message = `${sidecarNames.configAnnotation} stands on the ${workload.kind}, where no pod sees it`;
    throw new ManifestError(workload.offset, message, 'put it into the annotations of the pod template');
  }
  const written: Written = { ...ofObject, ...ofPods };
  const ownConfig = written.config === undefined || isOurs(written.config) ? null : written.config;
  const image = written.image ?? common.image;
  return {
    mode: (written.mode as SidecarMode | undefined) ?? common.mode,
    ...(image === undefined ? {} : { image }),
    ...(written.cpu === undefined ? {} : { cpu: written.cpu }),
    ...(written.memory === undefined ? {} : { memory: written.memory }),
    ...(written['memory-limit'] === undefined ? {} : { memoryLimit: written['memory-limit'] }),
    configMap: configOf(written, common, ownConfig, workload),
    tokenSecret: written['token-secret'] ?? common.tokenSecret,
    hasProxyVariables:
      written['proxy-env'] === undefined ? common.hasProxyVariables : written['proxy-env'] === 'enabled',
    inject: written.inject === undefined ? 'usual' : written.inject === 'enabled' ? 'asked' : 'disabled',
    ownConfig,
  };
};

/** The configuration that the pods of a workload have in their annotation; null: none. */
export const annotatedConfigOf = (document: Document, { template }: Workload): string | null => {
  const metadata = mapOf(document, template, 'metadata');
  const annotations = metadata && mapOf(document, metadata, 'annotations');
  const node = annotations && nodeAt(document, annotations, sidecarNames.configAnnotation);
  return isScalar(node) && typeof node.value === 'string' ? node.value : null;
};

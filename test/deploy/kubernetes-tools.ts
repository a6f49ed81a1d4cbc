import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { parseAllDocuments, stringify } from 'yaml';
import type { Owner } from '../rig/owner.ts';

/** `deploy/kubernetes/`. */
export const manifestFolder = join(import.meta.dirname, '../../deploy/kubernetes');

/** An object of Kubernetes, as it would be applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>> | null;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The objects in a text of YAML; an error in it is thrown. */
export const parseManifests = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value: unknown = document.toJS();
    return value === null ? [] : [value as Manifest];
  });

/** The pods that a workload makes; null: it makes none. */
export const podOf = ({ spec }: Manifest): PodSpec | null => {
  const template = spec?.['template'] as { readonly spec: PodSpec } | undefined;
  return template?.spec ?? null;
};

/** The one of this kind and name. */
export const manifestOf = (manifests: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} ${kind} ${name}`);
  return found[0]!;
};

/** How each is asked for its version, and the oldest that these tests were seen to pass with. */
const tools = {
  kubectl: { args: ['version', '--client'], oldest: [1, 29] },
  helm: { args: ['version', '--short'], oldest: [3, 17] },
} as const;

/** Why a test cannot use this program; false: it can. */
export const withoutTool = (
  name: keyof typeof tools,
  oldest: readonly [number, number] = tools[name].oldest,
): string | false => {
  const { args } = tools[name];
  const { stdout, error } = spawnSync(name, args, { encoding: 'utf8' });
  const [, major = '', minor = ''] = /v(\d+)\.(\d+)\./.exec(stdout ?? '') ?? [];
  const how = 'deploy/kubernetes/tools.sh prints the folder of one that is new enough';
  if (error !== undefined || major === '') return `${name} is not on the path; ${how}`;
  const isNew = Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  return isNew ? false : `${name} ${major}.${minor} is older than ${oldest.join('.')}; ${how}`;
};

/** What a tool complains of. */
export const complaintOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return String((error as { readonly stderr?: string }).stderr ?? error);
  }
  throw new Error('it had nothing against it');
};

/** A folder that goes with its owner. */
export const temporaryFolder = (owner: Owner): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-deploy-')));
  owner.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

/** What `kubectl apply -k` would apply. */
export const kustomize = (folder: string): Manifest[] =>
  parseManifests(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', stdio: 'pipe' }));

export interface Overlay {
  /** Below `deploy/kubernetes/`. */
  readonly components: readonly string[];
  readonly resources: readonly unknown[];
  /** Further keys of the kustomization. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Further files, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What an overlay over these resources comes to. */
export const applyOverlay = (owner: Owner, overlay: Overlay): Manifest[] => {
  const folder = temporaryFolder(owner);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['resources.yaml'],
    components: overlay.components.map((name) => relative(folder, join(manifestFolder, name))),
    ...overlay.more,
  };
  const files = {
    ...overlay.files,
    'kustomization.yaml': stringify(kustomization),
    'resources.yaml': overlay.resources.map((resource) => stringify(resource)).join('---\n'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return kustomize(folder);
};

/** Runs Helm with nothing of the user's own. */
const runHelm = (home: string, args: readonly string[]): string => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: home };
  return execFileSync('helm', args, { encoding: 'utf8', stdio: 'pipe', env });
};

/** The chart alone, or a chart of the tests that depends on it, with its dependency fetched. */
export class Chart {
  readonly #home: string;
  readonly #folder: string;

  constructor(owner: Owner, consumer?: string) {
    this.#home = temporaryFolder(owner);
    const own = join(this.#home, 'charts/outrigger');
    mkdirSync(dirname(own));
    cpSync(join(manifestFolder, 'chart/outrigger'), own, { recursive: true });
    this.#folder = own;
    if (consumer === undefined) return;
    this.#folder = join(this.#home, 'charts/consumer');
    cpSync(consumer, this.#folder, { recursive: true });
    runHelm(this.#home, ['dependency', 'update', this.#folder]);
  }

  /** Whether `helm lint` has nothing against it, warnings included: what it says. */
  lint(): string {
    return runHelm(this.#home, ['lint', '--strict', this.#folder]);
  }

  /** What would be applied with these values; throws what Helm complains of. */
  template(values: Readonly<Record<string, unknown>> = {}, args: readonly string[] = []): Manifest[] {
    return parseManifests(this.#render('template', values, args));
  }

  /** What `helm install` would say in the end. */
  notes(values: Readonly<Record<string, unknown>> = {}): string {
    const text = this.#render('install', values, ['--dry-run=client']);
    return text.slice(text.indexOf('NOTES:'));
  }

  #render(command: string, values: Readonly<Record<string, unknown>>, args: readonly string[]): string {
    const file = join(this.#home, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    return runHelm(this.#home, [command, 'demo', this.#folder, '-f', file, ...args]);
  }
}

import { isDeepStrictEqual } from 'node:util';
import { isNode, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';
import type { DocumentEditor } from './document-editor.ts';
import { dataOf } from './manifest-document.ts';
import { mapOf, mapsIn, nodeAt, seqOf, textOf } from './node-lookup.ts';
import { isOurContainer, isOurVolume } from './pod-checks.ts';
import type { Workload } from './pod-templates.ts';
import type { PodWishes } from './pod-wishes.ts';
import {
  annotatedConfig,
  configVolume,
  proxyVariables,
  sidecarContainer,
  sidecarNames,
} from './sidecar-container.ts';

/** The lists of containers of a pod. */
type ContainerList = 'initContainers' | 'containers';

/** What kubectl takes for the container that is meant when none is named. */
const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** Gives one pod its sidecar, or takes it out. What is already as it should be is not touched. */
export class PodInjection {
  readonly #editor: DocumentEditor;
  readonly #workload: Workload;

  constructor(editor: DocumentEditor, workload: Workload) {
    this.#editor = editor;
    this.#workload = workload;
  }

  /** Puts everything in. `hasOurConfig`: the annotation with the configuration is ours to change. */
  add(wishes: PodWishes, hasOurConfig: boolean): void {
    const isNative = wishes.mode === 'native';
    this.#removeContainer(isNative ? 'containers' : 'initContainers');
    this.#placeContainer(isNative ? 'initContainers' : 'containers', sidecarContainer(wishes));
    this.#placeVolume(configVolume(wishes));
    if (wishes.configMap !== null && hasOurConfig) this.#removeAnnotation(sidecarNames.configAnnotation);
    const isConfigOurs = wishes.configMap === null && wishes.ownConfig === null;
    this.#annotate({
      ...(isConfigOurs ? { [sidecarNames.configAnnotation]: annotatedConfig(wishes.tokenSecret) } : {}),
      ...(isNative ? {} : this.#defaultContainer()),
    });
    this.#setVariables(wishes);
  }

  /** Takes everything out that `add` puts in. */
  remove(hasOurConfig: boolean): void {
    this.#removeContainer('initContainers');
    this.#removeContainer('containers');
    const volumes = this.#list('volumes');
    const at = volumes?.items.findIndex((item) => isOurVolume(this.#data(item))) ?? -1;
    if (volumes !== null && at !== -1) this.#takeOut(this.#workload.spec, 'volumes', volumes, at);
    if (hasOurConfig) this.#removeAnnotation(sidecarNames.configAnnotation);
    for (const container of this.#containers()) this.#withoutVariables(container);
  }

  #list(key: string): YAMLSeq | null {
    return seqOf(this.#editor.document, this.#workload.spec, key);
  }

  #data(node: unknown): unknown {
    return isNode(node) ? dataOf(this.#editor.document, node) : node;
  }

  #maps(key: ContainerList): YAMLMap[] {
    return mapsIn(this.#editor.document, this.#list(key));
  }

  #isOurs(container: YAMLMap): boolean {
    return isOurContainer(this.#data(container));
  }

  #containers(): YAMLMap[] {
    return [...this.#maps('initContainers'), ...this.#maps('containers')].filter(
      (each) => !this.#isOurs(each),
    );
  }

  #takeOut(map: YAMLMap, key: string, list: YAMLSeq, index: number): void {
    if (list.items.length === 1) this.#editor.delete(map, key);
    else this.#editor.remove(list, index);
  }

  #removeContainer(key: ContainerList): void {
    const list = this.#list(key);
    const at = this.#maps(key).findIndex((container) => this.#isOurs(container));
    if (list !== null && at !== -1) this.#takeOut(this.#workload.spec, key, list, at);
  }

  #placeContainer(key: ContainerList, container: unknown): void {
    const list = this.#list(key);
    const at = this.#maps(key).findIndex((each) => this.#isOurs(each));
    if (list === null) this.#editor.set(this.#workload.spec, key, [container], 'containers');
    else if (at === -1) this.#editor.insertFirst(list, container);
    else if (!isDeepStrictEqual(this.#data(list.items[at]), container))
      this.#editor.replace(list, at, container);
  }

  #placeVolume(volume: unknown): void {
    const list = this.#list('volumes');
    const at = list?.items.findIndex((item) => isOurVolume(this.#data(item))) ?? -1;
    if (list === null) this.#editor.set(this.#workload.spec, 'volumes', [volume]);
    else if (at === -1) this.#editor.append(list, [volume]);
    else if (!isDeepStrictEqual(this.#data(list.items[at]), volume)) this.#editor.replace(list, at, volume);
  }

  #annotations(): { readonly metadata: YAMLMap | null; readonly annotations: YAMLMap | null } {
    const metadata = mapOf(this.#editor.document, this.#workload.template, 'metadata');
    return { metadata, annotations: metadata && mapOf(this.#editor.document, metadata, 'annotations') };
  }

  #annotate(wanted: Readonly<Record<string, string>>): void {
    const { metadata, annotations } = this.#annotations();
    if (Object.keys(wanted).length === 0) return;
    if (metadata === null || metadata.items.length === 0) {
      this.#editor.set(this.#workload.template, 'metadata', { annotations: wanted }, 'spec');
    } else if (annotations === null || annotations.items.length === 0) {
      this.#editor.set(metadata, 'annotations', wanted);
    } else {
      for (const [key, value] of Object.entries(wanted))
        if (textOf(this.#editor.document, annotations, key) !== value)
          this.#editor.set(annotations, key, value);
    }
  }

  #removeAnnotation(key: string): void {
    const { metadata, annotations } = this.#annotations();
    if (metadata === null || annotations === null || nodeAt(this.#editor.document, annotations, key) === null)
      return;
    if (annotations.items.length > 1) this.#editor.delete(annotations, key);
    else if (metadata.items.length > 1) this.#editor.delete(metadata, 'annotations');
    else this.#editor.delete(this.#workload.template, 'metadata');
  }

  /** Where the sidecar is the first container, kubectl would take it for the app. */
  #defaultContainer(): Readonly<Record<string, string>> {
    const { document } = this.#editor;
    const { annotations } = this.#annotations();
    if (annotations !== null && nodeAt(document, annotations, defaultContainer) !== null) return {};
    const app = this.#maps('containers').find((container) => !this.#isOurs(container));
    const name = app && textOf(document, app, 'name');
    return name ? { [defaultContainer]: name } : {};
  }

  /** Containers that run while the sidecar does are told of it; others must not be. */
  #setVariables({ mode, hasProxyVariables }: PodWishes): void {
    const early = this.#maps('initContainers');
    const at = early.findIndex((container) => this.#isOurs(container));
    const after = mode === 'native' && at !== -1 ? new Set(early.slice(at + 1)) : new Set<YAMLMap>();
    for (const container of this.#containers()) {
      const runsBefore = early.includes(container) && !after.has(container);
      if (hasProxyVariables && !runsBefore) this.#withVariables(container);
      else this.#withoutVariables(container);
    }
  }

  #withVariables(container: YAMLMap): void {
    const list = seqOf(this.#editor.document, container, 'env');
    const all = mapsIn(this.#editor.document, list);
    const ours = this.#ourVariables(list);
    const present = new Set(ours.map((each) => this.#nameOf(each)));
    // Somebody who set one form of a variable meant both.
    const foreign = new Set(
      all.filter((each) => !ours.includes(each)).map((each) => this.#nameOf(each)?.toLowerCase()),
    );
    const missing = proxyVariables.filter(
      ({ name }) => !present.has(name) && !foreign.has(name.toLowerCase()),
    );
    if (missing.length === 0) return;
    if (list === null) this.#editor.set(container, 'env', missing);
    else this.#editor.append(list, missing);
  }

  #nameOf(variable: YAMLMap): string | null {
    return textOf(this.#editor.document, variable, 'name');
  }

  #ourVariables(list: YAMLSeq | null): YAMLMap[] {
    return mapsIn(this.#editor.document, list).filter((each) =>
      proxyVariables.some((variable) => isDeepStrictEqual(this.#data(each), variable)),
    );
  }

  #withoutVariables(container: YAMLMap): void {
    const list = seqOf(this.#editor.document, container, 'env');
    const ours = new Set(this.#ourVariables(list));
    if (!isSeq(list) || ours.size === 0) return;
    if (ours.size === list.items.length) {
      this.#editor.delete(container, 'env');
      return;
    }
    const maps = mapsIn(this.#editor.document, list);
    for (let at = maps.length - 1; at >= 0; at -= 1) if (ours.has(maps[at]!)) this.#editor.remove(list, at);
  }
}

import type { Document } from 'yaml';
import { type Complaint, ManifestError } from './complaint.ts';
import {
  type ConfigMapName,
  configMapFinding,
  configMapOf,
  probesFinding,
  type SeenConfigMap,
  useOf,
} from './config-checks.ts';
import { DocumentEditor } from './document-editor.ts';
import { type StreamPart, splitStream } from './document-stream.ts';
import { dataOf, parseManifest } from './manifest-document.ts';
import { seqOf } from './node-lookup.ts';
import {
  earlierConfigMap,
  type Finding,
  foreignProxies,
  hasSidecar,
  obstacle,
  podWarnings,
  reasonToPass,
} from './pod-checks.ts';
import { PodInjection } from './pod-injection.ts';
import { objectsOf, subjectOf, type Workload, workloadOf } from './pod-templates.ts';
import { annotatedConfigOf, type CommonWishes, type PodWishes, wishesFor } from './pod-wishes.ts';
import { annotatedConfig } from './sidecar-container.ts';

/** What is done to every workload of a stream that no annotation says otherwise for. */
export type InjectRequest = { readonly remove: true } | (CommonWishes & { readonly remove: false });

/** A stream with its sidecars, or why there is none: then it is empty. */
export interface InjectResult {
  readonly text: string;
  readonly isOk: boolean;
  /** In the order of the input; warnings among them. */
  readonly complaints: readonly Complaint[];
  /** How many workloads have what was asked for, the unchanged ones included. */
  readonly workloads: number;
}

const isOurConfig = (config: string): boolean =>
  config === annotatedConfig(null) || config === annotatedConfig('some');

/** A workload that uses a ConfigMap, which may stand anywhere in the stream. */
interface ConfigUse {
  readonly used: ConfigMapName;
  readonly subject: string;
  readonly offset: number;
}

/** The work on one document. */
class DocumentInjection {
  readonly complaints: Complaint[] = [];
  readonly configMaps: SeenConfigMap[] = [];
  readonly uses: ConfigUse[] = [];
  workloads = 0;
  readonly #part: StreamPart;
  readonly #request: InjectRequest;

  constructor(part: StreamPart, request: InjectRequest) {
    this.#part = part;
    this.#request = request;
  }

  /** The document as it should be; what is wrong is in `complaints`. */
  run(): string {
    const { text } = this.#part;
    const document = parseManifest(text);
    if (!('contents' in document)) {
      this.#complain(document.offset, '', document, false);
      return text;
    }
    let editor: DocumentEditor | null = null;
    this.#guarded('', () => {
      for (const object of objectsOf(document)) {
        const found = workloadOf(document, object);
        const configMap = configMapOf(document, object);
        if (configMap !== null) this.configMaps.push(configMap);
        if (found === null) continue;
        if (found === 'incomplete') {
          const finding = { message: 'has no containers: passed through', hint: '' };
          this.#complain(object.range?.[0] ?? 0, subjectOf(document, object), finding, true);
          continue;
        }
        editor ??= new DocumentEditor(text, document);
        const used = editor;
        this.#guarded(found.subject, () => this.#one(used, found));
      }
    });
    const isWrong = this.complaints.some(({ isWarning }) => !isWarning);
    return editor === null || isWrong ? text : this.#resultOf(editor);
  }

  #resultOf(editor: DocumentEditor): string {
    for (const { anchor, start } of editor.touchedNodes) {
      const message = `&${anchor} is used more than once: what was changed in it holds wherever it is used`;
      this.#complain(start, '', { message, hint: '' }, true);
    }
    let result = this.#part.text;
    this.#guarded('', () => {
      result = editor.result();
    });
    return result;
  }

  #one(editor: DocumentEditor, workload: Workload): void {
    const { document } = editor;
    const [object, pod] = [workload.object, workload.spec].map((map) => dataOf(document, map));
    const written = annotatedConfigOf(document, workload);
    const hasOurConfig = written !== null && isOurConfig(written);
    const injection = new PodInjection(editor, workload);
    if (this.#request.remove) {
      injection.remove(hasOurConfig);
      this.workloads += 1;
      return;
    }
    const wishes = wishesFor(document, workload, this.#request, isOurConfig);
    if (wishes.inject === 'disabled') {
      const finding = { message: 'is disabled, but has a sidecar', hint: 'take it out with --remove' };
      if (hasSidecar(pod)) this.#complain(workload.offset, workload.subject, finding, true);
      return;
    }
    const reason = reasonToPass(object, pod);
    if (reason !== null && wishes.inject === 'usual') {
      const finding = { message: `left as it is: it ${reason.message}`, hint: reason.hint };
      this.#complain(workload.offset, workload.subject, finding, true);
      return;
    }
    const wrong = reason ?? obstacle(workload.kind, pod, wishes.mode);
    if (wrong !== null)
      throw new ManifestError(this.#placeOfContainers(editor, workload), wrong.message, wrong.hint);
    const proxies = wishes.hasProxyVariables ? foreignProxies(pod) : [];
    for (const each of [...podWarnings(workload.kind, pod, wishes.mode), ...proxies])
      this.#complain(workload.offset, workload.subject, each, true);
    const before = earlierConfigMap(pod);
    if (before !== null && wishes.configMap === null) {
      const message = `took its configuration from ConfigMap ${before}, and now from the annotation of its pods`;
      const hint = `--config-map ${before}, or outrigger/config-map: ${before}`;
      this.#complain(workload.offset, workload.subject, { message, hint }, true);
    }
    this.#noteConfig(workload, document, wishes);
    injection.add(wishes, hasOurConfig);
    this.workloads += 1;
  }

  #noteConfig({ object, subject, offset }: Workload, document: Document, wishes: PodWishes): void {
    if (wishes.configMap !== null) {
      const used = useOf(document, object, wishes.configMap);
      this.uses.push({ used, subject, offset: this.#part.offset + offset });
    }
    const finding = wishes.ownConfig === null ? null : probesFinding(wishes.ownConfig);
    if (finding !== null) this.#complain(offset, subject, finding, true);
  }

  #placeOfContainers({ document }: DocumentEditor, { spec, offset }: Workload): number {
    return seqOf(document, spec, 'containers')?.range?.[0] ?? offset;
  }

  #guarded(subject: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      this.#complain(error.offset, subject, error, false);
    }
  }

  #complain(offset: number, subject: string, { message, hint }: Finding, isWarning: boolean): void {
    this.complaints.push({ offset: this.#part.offset + offset, isWarning, subject, message, hint });
  }
}

/** Gives the workloads of a stream of manifests their sidecars, or takes them out. Everything else is as it was. */
export const injectManifests = (text: string, request: InjectRequest): InjectResult => {
  const complaints: Complaint[] = [];
  const configMaps: SeenConfigMap[] = [];
  const uses: ConfigUse[] = [];
  let result = '';
  let workloads = 0;
  for (const part of splitStream(text)) {
    const injection = new DocumentInjection(part, request);
    result += injection.run();
    workloads += injection.workloads;
    complaints.push(...injection.complaints);
    configMaps.push(...injection.configMaps);
    uses.push(...injection.uses);
  }
  for (const { used, subject, offset } of uses) {
    const finding = configMapFinding(used, configMaps);
    if (finding !== null) complaints.push({ offset, isWarning: true, subject, ...finding });
  }
  complaints.sort((a, b) => a.offset - b.offset);
  const isOk = complaints.every(({ isWarning }) => isWarning);
  return { text: isOk ? result : '', isOk, complaints, workloads };
};

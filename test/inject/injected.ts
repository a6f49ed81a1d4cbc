import assert from 'node:assert/strict';
import type { Container, PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { parse } from 'yaml';
import { formatComplaint } from '../../src/inject/complaint.ts';
import { type InjectRequest, injectManifests } from '../../src/inject/inject-manifests.ts';
import type { CommonWishes } from '../../src/inject/pod-wishes.ts';

/** What the command line says when it says nothing. */
export const plain: CommonWishes = {
  mode: 'native',
  configMap: null,
  tokenSecret: null,
  hasProxyVariables: true,
};

/** A request to inject with a few wishes. */
export const asking = (wishes: Partial<CommonWishes> = {}): InjectRequest => ({
  remove: false,
  ...plain,
  ...wishes,
});

/** What is said about a stream, one line each. */
export const saidOf = (text: string, request = asking()): string[] =>
  injectManifests(text, request).complaints.map((complaint) => formatComplaint(complaint, text));

/** A stream with its sidecars; fails when it is refused. */
export const injected = (text: string, request = asking()): string => {
  const result = injectManifests(text, request);
  assert.ok(result.isOk, saidOf(text, request).join('\n'));
  return result.text;
};

/** The template of the Deployment that a text is. */
export const templateOf = (text: string): PodTemplateSpec => parse(text).spec.template;

/** The pod of the Deployment that a text is. */
export const podOf = (text: string): PodSpec => templateOf(text).spec!;

/** The variables of a container, by name. */
export const variablesOf = (container: Container | undefined): Record<string, string | undefined> =>
  Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

/** A Deployment; `spec` is what its pods are, in lines, and `annotations` theirs. */
export const deployment = (spec: string, annotations = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    metadata:
      labels: { app: web }
${annotations === '' ? '' : `      annotations: { ${annotations} }\n`}    spec:
${spec.replace(/^(?=.)/gm, '      ')}`;

/** The least that a pod can be. */
export const web = `containers:
  - name: web
    image: shop:1
`;

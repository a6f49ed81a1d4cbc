import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { ownBreaches, restrictedBreaches, sidecarBreaches } from './pod-security.ts';

const good: Container = {
  name: 'app',
  image: 'shop:1.2.3',
  resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  startupProbe: {},
  readinessProbe: {},
  livenessProbe: {},
  securityContext: {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

const podOf = (container: Container, more: Partial<PodSpec> = {}): PodSpec => ({
  containers: [container],
  ...more,
});

/** The good container with another security context. */
const withContext = (context: Container['securityContext']): Container => ({
  ...good,
  securityContext: { ...good.securityContext, ...context },
});

test('a pod that keeps every rule has nothing against it', () => {
  assert.deepEqual(restrictedBreaches(podOf(good)), []);
  assert.deepEqual(sidecarBreaches(good), []);
});

test('what the pod says holds for containers that say nothing', () => {
  const { runAsNonRoot, seccompProfile, ...rest } = good.securityContext!;
  const bare: Container = { ...good, securityContext: rest };
  assert.equal(restrictedBreaches(podOf(bare)).length, 2);
  const securityContext = { runAsNonRoot: runAsNonRoot!, seccompProfile: seccompProfile! };
  assert.deepEqual(restrictedBreaches(podOf(bare, { securityContext })), []);
  const bad = withContext({ runAsNonRoot: false });
  assert.equal(restrictedBreaches(podOf(bad, { securityContext })).length, 1);
});

const badPods: Readonly<Record<string, PodSpec>> = {
  'root by number': podOf(withContext({ runAsUser: 0 })),
  'root by default': podOf(withContext({ runAsNonRoot: false })),
  escalation: podOf(withContext({ allowPrivilegeEscalation: true })),
  privileged: podOf(withContext({ privileged: true })),
  'a capability': podOf(withContext({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } })),
  'capabilities kept': podOf(withContext({ capabilities: {} })),
  unconfined: podOf(withContext({ seccompProfile: { type: 'Unconfined' } })),
  'a port of the node': podOf({ ...good, ports: [{ containerPort: 80, hostPort: 80 }] }),
  "the node's network": podOf(good, { hostNetwork: true }),
  "the node's files": podOf(good, { volumes: [{ name: 'host', hostPath: { path: '/' } }] }),
  'a setting of the kernel': podOf(good, {
    securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] },
  }),
  'an init container': podOf(good, { initContainers: [withContext({ privileged: true })] }),
};

for (const [name, pod] of Object.entries(badPods)) {
  test(`the restricted standard refuses ${name}`, () => {
    assert.equal(restrictedBreaches(pod).length, 1, JSON.stringify(restrictedBreaches(pod)));
  });
}

test('a pod may let its containers have low ports', () => {
  const sysctls = [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '80' }];
  assert.deepEqual(restrictedBreaches(podOf(good, { securityContext: { sysctls } })), []);
});

const badContainers: Readonly<Record<string, Container>> = {
  'a root that may be written': withContext({ readOnlyRootFilesystem: false }),
  'memory without a limit': { ...good, resources: { requests: good.resources!.requests! } },
  'nothing asked for': { ...good, resources: { limits: good.resources!.limits! } },
  'an image without a version': { ...good, image: 'shop' },
  'the latest image': { ...good, image: 'shop:latest' },
};

for (const [name, container] of Object.entries(badContainers)) {
  test(`our own rules refuse ${name}`, () => {
    assert.equal(ownBreaches(container).length, 1);
  });
}

const { livenessProbe: _, ...withoutLiveness } = good;

const badSidecars: Readonly<Record<string, Container>> = {
  'a missing probe': withoutLiveness,
  'a limit on CPU': { ...good, resources: { ...good.resources, limits: { cpu: '1', memory: '1Mi' } } },
  'a preStop hook': { ...good, lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } } },
  subPath: { ...good, volumeMounts: [{ name: 'a', mountPath: '/a', subPath: 'b' }] },
};

for (const [name, container] of Object.entries(badSidecars)) {
  test(`a sidecar may not have ${name}`, () => {
    assert.equal(sidecarBreaches(container).length, 1);
  });
}

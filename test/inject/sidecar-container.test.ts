import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import {
  annotatedConfig,
  configVolume,
  probePort,
  sidecarContainer,
} from '../../src/inject/sidecar-container.ts';
import { restrictedBreaches, sidecarBreaches } from '../deploy/pod-security.ts';

for (const mode of ['native', 'classic'] as const) {
  test(`a ${mode} sidecar passes the restricted standard and our own rules`, () => {
    const container = sidecarContainer({ mode, tokenSecret: 'outrigger' });
    for (const configMap of [null, 'policies']) {
      const pod = { containers: [container], volumes: [configVolume({ configMap })] };
      assert.deepEqual(restrictedBreaches(pod), []);
    }
    assert.deepEqual(sidecarBreaches(container), []);
  });
}

test('the configuration of the annotation is the embedded default, with the port of the probes', () => {
  const parsed = parseSettings(annotatedConfig, 'annotation', {});
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.settings.admin.probes, { host: '0.0.0.0', port: probePort });
  assert.equal(parsed.settings.egress.unlisted, 'allow');
});

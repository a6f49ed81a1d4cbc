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
  const parsed = parseSettings(annotatedConfig(null), 'annotation', {});
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.settings.admin.probes, { host: '0.0.0.0', port: probePort });
  assert.equal(parsed.settings.admin.token, null);
  assert.equal(parsed.settings.egress.unlisted, 'allow');
});

test('with a Secret, the configuration of the annotation asks for its token, and does not start without', () => {
  const text = annotatedConfig('outrigger');
  const parsed = parseSettings(text, 'annotation', { OUTRIGGER_ADMIN_TOKEN: 'a-long-secret' });
  assert.ok(parsed.ok);
  assert.equal(parsed.settings.admin.token, 'a-long-secret');
  assert.ok(!parseSettings(text, 'annotation', {}).ok);
});

import configurationSchema from '../outrigger.schema.json' with { type: 'json' };

type Schema = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const flag = { type: 'boolean' };
const texts = { type: 'array', items: text };
const objects = { type: 'array', items: { type: 'object' } };
const labels = { type: 'object', additionalProperties: text };

const exactly = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...more,
});

const { definitions, $schema, $id: _, title: __, ...configuration } = configurationSchema;

/** What of the configuration the chart's own templates rely on. */
const reachable: Schema = {
  required: ['admin'],
  properties: {
    admin: { required: ['probes'], properties: { probes: { type: 'string', pattern: ':7402$' } } },
  },
};

/**
 * The schema of the chart's values. The configuration in it is held to the schema of configuration files, so that Helm
 * refuses a misspelt policy before anything is applied.
 */
export const chartSchema: Schema = {
  $schema,
  title: 'Values of the chart outrigger',
  ...exactly({
    global: { type: 'object', description: 'Put in by Helm.' },
    enabled: flag,
    mode: { enum: ['native', 'classic'] },
    image: exactly({
      repository: { ...text, minLength: 1 },
      tag: { type: 'string', not: { const: 'latest' } },
      digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
      pullPolicy: { enum: ['', 'Always', 'IfNotPresent', 'Never'] },
    }),
    config: { allOf: [{ $ref: '#/definitions/configuration' }, reachable] },
    configText: text,
    existingConfigMap: text,
    rollOnChange: flag,
    adminToken: exactly({
      value: { type: 'string', pattern: '^([\\x21-\\x7e]{8,512})?$' },
      existingSecret: text,
    }),
    resources: exactly({ requests: { type: 'object' }, limits: { type: 'object' }, claims: objects }),
    proxyVariables: exactly({ enabled: flag, noProxy: texts }),
    extraEnv: objects,
    extraVolumes: objects,
    extraVolumeMounts: objects,
    podMonitor: exactly({
      enabled: flag,
      labels,
      interval: text,
      jobLabel: text,
      selector: { type: 'object' },
    }),
    dashboard: exactly({ enabled: flag, labels }),
    alerts: exactly({ enabled: flag, labels }),
    nameOverride: text,
    fullnameOverride: text,
  }),
  definitions: { ...definitions, configuration },
};

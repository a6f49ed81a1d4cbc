import type { Container, EnvVar, ResourceRequirements, Volume } from 'kubernetes-types/core/v1.js';
import project from '../../package.json' with { type: 'json' };

/**
 * `native`: an init container that goes on running (Kubernetes 1.29 and later). It is up before the app's containers,
 * ends after them, and a Job ends without waiting for it. `classic`: a container like the app's.
 */
export type SidecarMode = 'native' | 'classic';

/** What differs between sidecars. All that is left out has its default. */
export interface SidecarOptions {
  readonly mode: SidecarMode;
  /** Default: `outrigger:` and the version of this program. */
  readonly image?: string;
  /** A ConfigMap with `outrigger.yaml`, which must have `admin.probes: 0.0.0.0:7402`. null: the annotation holds it. */
  readonly configMap?: string | null;
  /** A Secret whose `token` becomes `OUTRIGGER_ADMIN_TOKEN`. The pod waits until there is one. Default: none. */
  readonly tokenSecret?: string | null;
  /** What is asked for: quantities of Kubernetes. Default: `50m` and `96Mi`. */
  readonly cpu?: string;
  readonly memory?: string;
  /** Default: `256Mi`. */
  readonly memoryLimit?: string;
}

/** The names that a pod with a sidecar has of us. */
export const sidecarNames = {
  container: 'outrigger',
  volume: 'outrigger-config',
  folder: '/etc/outrigger',
  file: 'outrigger.yaml',
  /**
   * The port of probes and metrics. A name of its own: Services and monitors look a name up in all containers of a pod,
   * and would take ours for the app's if it were called `metrics`.
   */
  port: 'outrigger',
  tokenKey: 'token',
  /** On the pod template: the configuration, where no ConfigMap has it. */
  configAnnotation: 'outrigger/config',
} as const;

/** The port of `admin.probes`. */
export const probePort = 7402;

export const defaultImage = `outrigger:${project.version}`;

/**
 * What the annotation says when nobody wrote one: the embedded default, with probes where the kubelet can reach them,
 * and with the token, where there is one.
 */
export const annotatedConfig = (tokenSecret: string | null): string => `admin:
  probes: 0.0.0.0:${probePort}
${tokenSecret === null ? '' : `  token: \${OUTRIGGER_ADMIN_TOKEN}\n`}egress:
  unlisted: allow
`;

/** User and group of the image. */
const nobody = 65532;

// Requests in flight decide what it needs. A limit on CPU would only add latency: what is throttled is every call of
// the app. One on memory keeps a fault of ours within our container.
const resourcesOf = ({
  cpu = '50m',
  memory = '96Mi',
  memoryLimit = '256Mi',
}: SidecarOptions): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { memory: memoryLimit },
});

const tokenFrom = (name: string): EnvVar => ({
  name: 'OUTRIGGER_ADMIN_TOKEN',
  valueFrom: { secretKeyRef: { name, key: sidecarNames.tokenKey } },
});

const probe = (path: string) => ({ httpGet: { path, port: sidecarNames.port } });

/**
 * The sidecar as a container of a pod: the one source of what `inject` adds and of everything below
 * `deploy/kubernetes/`. It passes the restricted Pod Security Standard. It has no preStop hook: a native sidecar is
 * told to end when the app's containers have ended, and a classic one serves on until it is quiet.
 */
export const sidecarContainer = (options: SidecarOptions): Container => ({
  name: sidecarNames.container,
  image: options.image ?? defaultImage,
  ...(options.mode === 'native' ? { restartPolicy: 'Always' } : {}),
  args: ['run', '-c', `${sidecarNames.folder}/${sidecarNames.file}`],
  ...(options.tokenSecret ? { env: [tokenFrom(options.tokenSecret)] } : {}),
  // The proxy and the admin interface are on loopback, for this pod alone.
  ports: [{ name: sidecarNames.port, containerPort: probePort, protocol: 'TCP' }],
  // Up to two minutes for the first answers of DNS; until then a native sidecar holds the app back.
  startupProbe: { ...probe('/startupz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 },
  readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 3 },
  livenessProbe: { ...probe('/livez'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  resources: resourcesOf(options),
  securityContext: {
    runAsNonRoot: true,
    runAsUser: nobody,
    runAsGroup: nobody,
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  },
  // What is wrong with a configuration is said on standard error; kubectl describe then shows it.
  terminationMessagePolicy: 'FallbackToLogsOnError',
  // The folder and not the file: what is mounted by subPath is never updated.
  volumeMounts: [{ name: sidecarNames.volume, mountPath: sidecarNames.folder, readOnly: true }],
});

/** Where its configuration comes from: a ConfigMap, or an annotation of the pod. Both are updated in a running pod. */
export const configVolume = ({ configMap = null }: Pick<SidecarOptions, 'configMap'>): Volume =>
  configMap === null
    ? {
        name: sidecarNames.volume,
        downwardAPI: {
          items: [
            {
              path: sidecarNames.file,
              fieldRef: { fieldPath: `metadata.annotations['${sidecarNames.configAnnotation}']` },
            },
          ],
        },
      }
    : { name: sidecarNames.volume, configMap: { name: configMap } };

const proxy = 'http://127.0.0.1:7400';
// Kubernetes fills in the address of the API server, whether or not the pod has service links.
const direct = 'localhost,127.0.0.1,::1,$(KUBERNETES_SERVICE_HOST),kubernetes.default.svc';

/** What makes the app's containers use the proxy. Programs differ in which case they read; Node must be told to. */
export const proxyVariables: readonly { readonly name: string; readonly value: string }[] = [
  { name: 'HTTP_PROXY', value: proxy },
  { name: 'HTTPS_PROXY', value: proxy },
  { name: 'NO_PROXY', value: direct },
  { name: 'http_proxy', value: proxy },
  { name: 'https_proxy', value: proxy },
  { name: 'no_proxy', value: direct },
  { name: 'NODE_USE_ENV_PROXY', value: '1' },
];

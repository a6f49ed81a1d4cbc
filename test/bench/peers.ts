import { nodeProgram, ourselves, type Peer, proxy } from './peer-kinds.ts';

/** The peer that the others are compared with. */
export const baseline = 'haproxy';

const envoy = process.env['OUTRIGGER_BENCH_ENVOY'] ?? 'envoy';

/** All of them, in the order of the tables. */
export const peers: readonly Peer[] = [
  ourselves('outrigger', {
    http: 'outrigger.yaml',
    slow: 'outrigger.yaml',
    refusing: 'outrigger-refusing.yaml',
    routes: 'outrigger-routes.yaml',
    tcp: 'outrigger-tcp.yaml',
    tls: 'outrigger-tls.yaml',
    hosts: 'outrigger-hosts.yaml',
    'hosts-all': 'outrigger-hosts.yaml',
  }),
  ourselves('outrigger-undici', { http: 'outrigger-undici.yaml' }, true),
  proxy({
    name: baseline,
    versionCommand: () => ['haproxy', '-v'],
    configuration: {
      http: 'haproxy.cfg',
      slow: 'haproxy.cfg',
      refusing: 'haproxy.cfg',
      routes: 'haproxy-routes.cfg',
      tcp: 'haproxy-tcp.cfg',
      tls: 'haproxy-tls.cfg',
      hosts: 'haproxy-hosts.cfg',
      'hosts-all': 'haproxy-hosts.cfg',
    },
    besides: { routes: 'haproxy-routes.map' },
    command: (file) => ['haproxy', '-db', '-f', file],
  }),
  proxy({
    name: 'nginx',
    versionCommand: () => ['nginx', '-v'],
    configuration: {
      http: 'nginx.conf',
      slow: 'nginx.conf',
      routes: 'nginx-routes.conf',
      tcp: 'nginx-tcp.conf',
      tls: 'nginx-tls.conf',
      hosts: 'nginx-hosts.conf',
    },
    modules: { tcp: '/usr/lib/nginx/modules/ngx_stream_module.so' },
    command: (file, directory) => ['nginx', '-e', 'stderr', '-p', directory, '-c', file],
  }),
  proxy({
    name: 'envoy',
    versionCommand: () => [envoy, '--version'],
    configuration: {
      http: 'envoy.yaml',
      slow: 'envoy.yaml',
      refusing: 'envoy.yaml',
      routes: 'envoy-routes.yaml',
      tcp: 'envoy-tcp.yaml',
      tls: 'envoy-tls.yaml',
      'hosts-all': 'envoy-hosts.yaml',
    },
    command: (file) => [envoy, '-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
  }),
  nodeProgram('http-proxy-3', 'http-proxy-3.js'),
  nodeProgram('@fastify/http-proxy', 'fastify-http-proxy.js'),
  {
    name: 'direct',
    compilesAsItRuns: false,
    isOnRequest: false,
    // The generator speaks no TLS, and without an upstream nobody answers.
    version: (mode) =>
      mode === 'tls' || mode === 'refusing' ? { missing: 'there is nothing to ask' } : 'no proxy',
    start: async (_mode, { port }) => ({ name: 'direct', port, adminPort: null, process: null }),
  },
];

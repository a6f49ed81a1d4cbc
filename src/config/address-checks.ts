import { formatHostName, formatListenAddress, isLoopback } from './addresses.ts';
import { BoundPorts, type Listener } from './bound-ports.ts';
import type { Findings } from './findings.ts';
import { formatPath, type Path } from './problem.ts';
import type { Settings, UpstreamSettings } from './settings.ts';

const listenersOf = (settings: Settings): Listener[] => {
  const listeners: Listener[] = [
    { path: ['egress', 'address'], address: settings.egress.address },
    { path: ['admin', 'address'], address: settings.admin.address },
  ];
  if (settings.admin.probes !== null)
    listeners.push({ path: ['admin', 'probes'], address: settings.admin.probes });
  for (const { name, listen } of settings.upstreams) {
    if (listen !== null) listeners.push({ path: ['upstreams', name, 'listen'], address: listen });
  }
  return listeners;
};

const checkListeners = (listeners: readonly Listener[], findings: Findings): BoundPorts => {
  const ports = new BoundPorts();
  for (const listener of listeners) {
    const other = ports.add(listener);
    if (other === undefined) continue;
    const message = `${formatListenAddress(listener.address)} is taken by ${formatPath(other.path)}`;
    findings.add(listener.path, message, 'give it another port', [other.path]);
  }
  return ports;
};

const checkHosts = (upstreams: readonly UpstreamSettings[], findings: Findings): void => {
  const owners = new Map<string, Path>();
  for (const { name, hosts } of upstreams) {
    for (const [index, host] of hosts.entries()) {
      const path = ['upstreams', name, 'hosts', index];
      const text = formatHostName(host);
      const owner = owners.get(text);
      if (owner === undefined) owners.set(text, path);
      else {
        const message = `the host ${findings.shown(path, text)} already belongs to ${formatPath(owner)}`;
        findings.add(path, message, 'name it once', [owner]);
      }
    }
  }
};

const checkEndpoints = (upstream: UpstreamSettings, ports: BoundPorts, findings: Findings): void => {
  const { name, source } = upstream;
  const report = (path: Path, host: string, port: number): void => {
    const own = ports.reachedBy(host, port);
    if (own === undefined) return;
    findings.add(path, `leads back to ${formatPath(own.path)}, a port of ours`, 'name the upstream itself', [
      own.path,
    ]);
  };
  if (source.kind === 'dns') report(['upstreams', name, 'dns'], source.host, source.port);
  if (source.kind !== 'static') return;
  const seen = new Set<string>();
  for (const [index, address] of source.addresses.entries()) {
    const path = ['upstreams', name, 'endpoints', index];
    const id = JSON.stringify(address);
    if (seen.has(id)) findings.add(path, 'is written twice', 'keep one of them');
    seen.add(id);
    if (address.kind !== 'unix') report(path, address.host, address.port);
  }
};

/** Everything about addresses and names that only shows when the whole configuration is seen. */
export const checkAddresses = (settings: Settings, findings: Findings): void => {
  const ports = checkListeners(listenersOf(settings), findings);
  checkHosts(settings.upstreams, findings);
  for (const upstream of settings.upstreams) {
    checkEndpoints(upstream, ports, findings);
    if (upstream.hosts.length === 0 && upstream.listen === null) {
      const hint = 'give it a host or a port of its own (listen)';
      findings.add(['upstreams', upstream.name, 'hosts'], 'nothing can reach this upstream', hint, [
        ['upstreams', upstream.name, 'listen'],
      ]);
    }
  }
  const { address, token } = settings.admin;
  if (token === null && !isLoopback(address.host)) {
    findings.add(
      ['admin', 'address'],
      `${formatListenAddress(address)} is open to others, and there is no admin.token`,
      'set admin.token, or listen on 127.0.0.1',
      [['admin', 'token']],
    );
  }
};

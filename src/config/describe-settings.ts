import type { PolicySettings } from '../policy/policies.ts';
import type { PoolSettings } from '../upstream/sources.ts';
import { formatDnsName, formatHostName, formatListenAddress } from './addresses.ts';
import { decodeText } from './config-file.ts';
import { globalKeys } from './global-keys.ts';
import { policyKeys } from './policy-keys.ts';
import type { RouteSettings, Settings, UpstreamSettings } from './settings.ts';
import { escapeReferences } from './substitution.ts';
import { endpointAddress } from './text-kinds.ts';
import { formatDuration, formatSize, formatStatusRange } from './units.ts';

/** Something that JSON and YAML can hold. */
type Plain = Readonly<Record<string, unknown>>;

const { timeout, bulkhead, breaker } = policyKeys;

const redacted = '<redacted>';

/** A text as it may be shown. */
type Show = (text: string) => string;

const describeBody = (body: Uint8Array): string => decodeText(body) ?? `<${body.length} bytes>`;

const showValues = (fields: Readonly<Record<string, string>>, show: Show): Plain =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, show(value)]));

/** Everything but the retry budget, which routes do not have. */
const describeRest = (policy: PolicySettings, show: Show): Plain => ({
  timeout: {
    connect: timeout.connect.kind.write(policy.timeout.connectMs),
    attempt: timeout.attempt.kind.write(policy.timeout.attemptMs),
    total: timeout.total.kind.write(policy.timeout.totalMs),
    idle: timeout.idle.kind.write(policy.timeout.idleMs),
    body: timeout.body.kind.write(policy.timeout.bodyMs),
  },
  breaker: {
    window: formatDuration(policy.breaker.windowMs),
    volume: policy.breaker.volume,
    errorPercent: policy.breaker.errorPercent,
    sleep: formatDuration(policy.breaker.sleepMs),
    probes: policy.breaker.probes,
    slowerThan: breaker.slowerThan.kind.write(policy.breaker.slowerThanMs),
    slowPercent: policy.breaker.slowPercent,
    consecutive: breaker.consecutive.kind.write(policy.breaker.consecutive),
    countRejections: policy.breaker.countRejections,
    force: policy.breaker.force,
  },
  failure: {
    status: policy.failure.status.map(formatStatusRange),
    ignore: policy.failure.ignore.map(formatStatusRange),
  },
  fallback: {
    on: policy.fallback.on,
    status: policy.fallback.status,
    headers: showValues(policy.fallback.headers, show),
    body: show(describeBody(policy.fallback.body)),
    concurrency: policy.fallback.concurrency,
  },
  upgrade: policy.upgrade,
  tcp: { earlyReset: formatDuration(policy.tcp.earlyResetMs) },
});

const describeBulkhead = (policy: PolicySettings): Plain => ({
  concurrency: bulkhead.concurrency.kind.write(policy.bulkhead.concurrency),
  queue: policy.bulkhead.queue,
  // The format refuses a wait in a queue that is not there.
  ...(policy.bulkhead.queue === 0 ? {} : { queueTimeout: formatDuration(policy.bulkhead.queueTimeoutMs) }),
});

const describeRetry = ({ retry }: PolicySettings): Plain => ({
  attempts: retry.attempts,
  on: retry.on,
  backoff: { base: formatDuration(retry.backoff.baseMs), max: formatDuration(retry.backoff.maxMs) },
  bodyLimit: formatSize(retry.bodyLimitBytes),
  nonIdempotent: retry.nonIdempotent,
});

const describePolicy = (policy: PolicySettings, pool: PoolSettings, show: Show): Plain => ({
  ...describeRest(policy, show),
  bulkhead: describeBulkhead(policy),
  retry: { ...describeRetry(policy), budget: policy.retry.budget },
  pool: {
    connectionsPerEndpoint: pool.connectionsPerEndpoint,
    idle: formatDuration(pool.idleMs),
    maxIdle: pool.maxIdle,
  },
});

const describeRoute = (route: RouteSettings, show: Show): Plain => ({
  name: route.name,
  match: route.match,
  ...describeRest(route.policy, show),
  retry: describeRetry(route.policy),
  ...(route.hasOwnBulkhead ? { bulkhead: describeBulkhead(route.policy) } : {}),
});

const describeSource = ({ source }: UpstreamSettings): Plain => {
  if (source.kind === 'static')
    return { endpoints: source.addresses.map((each) => endpointAddress.write(each)) };
  return source.kind === 'dns' ? { dns: formatDnsName(source) } : {};
};

const describeTls = ({ tls, protocol }: UpstreamSettings): Plain => {
  if (tls === null) return {};
  const { files, serverName, minVersion, alpn } = tls;
  const named = Object.entries(files).filter(([, file]) => file !== null);
  return {
    tls: {
      ...Object.fromEntries(named),
      ...(serverName === null ? {} : { serverName }),
      minVersion,
      ...(protocol === 'tcp' ? {} : { alpn }),
    },
  };
};

/** What a TCP upstream has of a policy: the rest speaks of requests and answers, and the format refuses it there. */
const describeTcp = (policy: PolicySettings, show: Show): Plain => {
  const { timeout, breaker, tcp } = describeRest(policy, show);
  const retry = { ...describeRetry(policy), budget: policy.retry.budget };
  return { timeout, breaker, tcp, bulkhead: describeBulkhead(policy), retry };
};

const describeHttp = (upstream: UpstreamSettings, show: Show): Plain => ({
  ...(upstream.hostHeader === null ? {} : { hostHeader: upstream.hostHeader }),
  transport: upstream.transport,
  ...describePolicy(upstream.policy, upstream.pool, show),
  routes: upstream.routes.map((route) => describeRoute(route, show)),
});

const describeUpstream = (upstream: UpstreamSettings, show: Show): Plain => ({
  protocol: upstream.protocol,
  hosts: upstream.hosts.map(formatHostName),
  ...(upstream.listen === null ? {} : { listen: formatListenAddress(upstream.listen) }),
  ...describeSource(upstream),
  ...describeTls(upstream),
  ...(upstream.protocol === 'tcp' ? describeTcp(upstream.policy, show) : describeHttp(upstream, show)),
});

const describeLimits = ({ limits, replayBytes }: Settings): Plain => ({
  requestLine: formatSize(limits.requestLineBytes),
  requestHead: formatSize(limits.requestHeadBytes),
  fields: limits.fields,
  responseHead: formatSize(limits.responseHeadBytes),
  trailers: formatSize(limits.trailerBytes),
  chunkExtension: formatSize(limits.chunkExtensionBytes),
  informational: limits.informational,
  headTimeout: formatDuration(limits.headTimeoutMs),
  bodyIdle: formatDuration(limits.requestBodyIdleMs),
  writeStall: formatDuration(limits.writeStallMs),
  keepAlive: formatDuration(limits.keepAliveMs),
  requestBody: globalKeys.limits.requestBody.kind.write(limits.requestBodyBytes),
  replay: formatSize(replayBytes),
});

/** Every text of it as a file must have it. */
const escaped = (value: unknown): unknown => {
  if (typeof value === 'string') return escapeReferences(value);
  if (Array.isArray(value)) return value.map(escaped);
  return value !== null && typeof value === 'object' ? escapedFields(value) : value;
};

const escapedFields = (fields: object): Plain =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, escaped(value)]));

const showOf =
  ({ hiddenTexts }: Settings): Show =>
  (text) =>
    hiddenTexts.has(text) ? redacted : text;

/** One policy in the words of the file, redacted as in {@link describeSettings}. */
export const describeOnePolicy = (settings: Settings, policy: PolicySettings, pool: PoolSettings): Plain =>
  escapedFields(describePolicy(policy, pool, showOf(settings)));

/**
 * The effective configuration in the words of the file, every default filled in. The token is redacted, and so is what
 * came from the environment into a fallback's body or fields; everything else, read as a file, gives the same settings.
 */
export const describeSettings = (settings: Settings): Plain => {
  const { admin, egress, log, drain } = settings;
  const show = showOf(settings);
  return escapedFields({
    admin: {
      address: formatListenAddress(admin.address),
      ...(admin.token === null ? {} : { token: redacted }),
      ...(admin.probes === null ? {} : { probes: formatListenAddress(admin.probes) }),
      allowHosts: admin.allowHosts,
      maxStreams: admin.maxStreams,
    },
    egress: {
      address: formatListenAddress(egress.address),
      unlisted: egress.unlisted,
      maxUnlisted: egress.maxUnlisted,
      unlistedIdle: formatDuration(egress.unlistedIdleMs),
      maxConnections: egress.maxConnections,
      maxTunnels: egress.maxTunnels,
    },
    limits: describeLimits(settings),
    log: {
      level: log.level,
      format: log.format,
      access: log.access,
      sample: globalKeys.log.sample.kind.write(log.sampleRatio),
    },
    drain: { deadline: formatDuration(drain.deadlineMs), idleExit: formatDuration(drain.idleExitMs) },
    defaults: describePolicy(settings.unlistedPolicy, settings.unlistedPool, show),
    upstreams: Object.fromEntries(
      settings.upstreams.map((each) => [each.name, describeUpstream(each, show)]),
    ),
  });
};

import { dirname, resolve } from 'node:path';
import type { PolicySettings } from '../policy/policies.ts';
import { checkAddresses } from './address-checks.ts';
import { parseHostPattern } from './addresses.ts';
import { globalBounds, keepWithin, loweredKeys, policyBounds } from './bounds.ts';
import { contentMark, type FileContent, type ReadFiles, readConfigFile } from './config-file.ts';
import { defaultsOf, fillIn } from './fill-in.ts';
import type { Findings } from './findings.ts';
import { globalKeys } from './global-keys.ts';
import { checkEffect, checkPolicy } from './policy-checks.ts';
import { type Policy, policyKeys, type WrittenPolicy } from './policy-keys.ts';
import { type LayerOrigins, layerId, replayKey } from './policy-origins.ts';
import { toPolicySettings, toPoolSettings } from './policy-settings.ts';
import type { Path } from './problem.ts';
import { checkRoutes } from './route-checks.ts';
import type { RouteSettings, Settings, UpstreamSettings } from './settings.ts';
import { checkTcp } from './tcp-checks.ts';
import { toTlsSettings } from './tls-settings.ts';
import { checkTransport, speaksUndici } from './transport-checks.ts';
import { formatSize } from './units.ts';
import { defaultMatch, defaultTransport } from './upstream-keys.ts';
import type { WrittenConfig, WrittenRoute, WrittenUpstream } from './vocabulary.ts';
import { placesOf } from './written-places.ts';

const noBytes = new Uint8Array();

/** Turns what was written into settings, and reports what cannot be meant. */
class SettingsBuilder {
  readonly #findings: Findings;
  readonly #folder: string;
  readonly #replayBytes: number;
  readonly hiddenTexts = new Set<string>();
  /** By {@link layerId}. */
  readonly layers = new Map<string, LayerOrigins>();
  readonly #bodies = new Map<string, FileContent>();
  /** Bodies that stand in the configuration itself: whoever inherits one shares its bytes. */
  readonly #texts = new Map<string, Uint8Array>();

  constructor(file: string, replayBytes: number, findings: Findings) {
    this.#folder = dirname(file);
    this.#replayBytes = replayBytes;
    this.#findings = findings;
  }

  /** One step of defaults → upstream → route. */
  layer(base: Policy, written: WrittenPolicy, path: Path): Policy {
    const policy = fillIn(policyKeys, base, written);
    this.#hideForeign(written, [...path, 'fallback']);
    const { body, bodyFile } = written.fallback ?? {};
    // The one that is written displaces the other one, wherever that was inherited from.
    const fallback = { ...policy.fallback };
    if (body !== undefined) {
      fallback.bodyFile = null;
    } else if (bodyFile !== undefined && bodyFile !== null) {
      fallback.body = null;
      this.#readBody(bodyFile, path);
    }
    const merged = { ...policy, fallback };
    const result = keepWithin<typeof policyKeys>(policyBounds, path, written, merged, this.#findings);
    checkPolicy(path, written, result, this.#findings);
    const inForce = this.#withinReplay(result, written, path);
    this.#noteOrigins(path, written, merged, inForce);
    return inForce;
  }

  /** `merged`: before anything was held to its limit. */
  #noteOrigins(path: Path, written: WrittenPolicy, merged: Policy, inForce: Policy): void {
    const isCut = inForce.retry.bodyLimit < merged.retry.bodyLimit;
    const lowered = loweredKeys(policyBounds, merged, inForce);
    const bodyFile = written.fallback?.bodyFile ?? null;
    this.layers.set(layerId(path), {
      written: placesOf(written, path, this.#findings),
      lowered: isCut ? new Map([...lowered, ['retry.bodyLimit', replayKey]]) : lowered,
      bodyFile: bodyFile === null ? null : this.#findings.shown([...path, 'fallback', 'bodyFile'], bodyFile),
    });
  }

  #hideForeign({ fallback }: WrittenPolicy, path: Path): void {
    const { body, headers } = fallback ?? {};
    if (typeof body === 'string' && this.#findings.isForeign([...path, 'body'])) this.hiddenTexts.add(body);
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (this.#findings.isForeign([...path, 'headers', name])) this.hiddenTexts.add(value);
    }
  }

  get bodyFiles(): ReadFiles {
    const read = [...this.#bodies].map(
      ([file, content]) => [resolve(this.#folder, file), contentMark(content)] as const,
    );
    return new Map(read);
  }

  upstream(name: string, written: WrittenUpstream, defaults: Policy): UpstreamSettings {
    const path = ['upstreams', name];
    const base = speaksUndici(written) ? { ...defaults, upgrade: [] } : defaults;
    const policy = this.layer(base, written, path);
    const routes = (written.routes ?? []).map((route, index) =>
      this.#route(route, policy, [...path, 'routes', index]),
    );
    if (routes.length === 0) checkEffect(path, written, policy, this.#findings);
    checkRoutes(routes, path, this.#findings);
    if (written.endpoints !== undefined && written.dns !== undefined) {
      this.#findings.add([...path, 'dns'], 'dns and endpoints exclude each other', 'keep one of them');
    }
    checkTcp(path, written, this.#findings);
    checkTransport(path, written, this.#findings);
    return {
      name,
      protocol: written.protocol ?? 'http',
      hosts: written.hosts ?? [parseHostPattern(name) ?? { host: name.toLowerCase(), port: 0 }],
      listen: written.listen ?? null,
      source: this.#source(written),
      hostHeader: written.hostHeader ?? null,
      tls: toTlsSettings(written, path, this.#folder, this.#findings),
      transport: written.transport ?? defaultTransport,
      policy: this.settingsOf(policy),
      pool: toPoolSettings(policy),
      routes,
    };
  }

  /** No record can be longer than all records together. */
  #withinReplay(policy: Policy, written: WrittenPolicy, path: Path): Policy {
    if (policy.retry.bodyLimit <= this.#replayBytes) return policy;
    if (written.retry?.bodyLimit !== undefined) {
      const message = `${formatSize(policy.retry.bodyLimit)} is more than limits.replay, which is ${formatSize(this.#replayBytes)}`;
      const involved = [['limits', 'replay']];
      this.#findings.add(
        [...path, 'retry', 'bodyLimit'],
        message,
        'lower it, or raise limits.replay',
        involved,
      );
    }
    return { ...policy, retry: { ...policy.retry, bodyLimit: this.#replayBytes } };
  }

  /** The policy of a whole layer, as the rest of the program takes it. */
  settingsOf(policy: Policy): PolicySettings {
    return toPolicySettings(policy, this.#bodyOf(policy));
  }

  #source(written: WrittenUpstream): UpstreamSettings['source'] {
    if (written.endpoints !== undefined && written.endpoints !== null) {
      return { kind: 'static', addresses: written.endpoints };
    }
    if (written.dns !== undefined && written.dns !== null) return { kind: 'dns', ...written.dns };
    return { kind: 'named' };
  }

  #route(written: WrittenRoute, inherited: Policy, path: Path): RouteSettings {
    const policy = this.layer(inherited, written, path);
    checkEffect(path, written, policy, this.#findings);
    return {
      name: written.name,
      match: { ...defaultMatch, ...written.match },
      policy: this.settingsOf(policy),
      hasOwnBulkhead: written.bulkhead !== undefined,
    };
  }

  /** Reads the file that a layer names, once for all of them. Layers above it inherit the bytes. */
  #readBody(bodyFile: string, path: Path): void {
    const content = this.#bodies.get(bodyFile) ?? readConfigFile(resolve(this.#folder, bodyFile));
    this.#bodies.set(bodyFile, content);
    if (content.ok) return;
    const at = [...path, 'fallback', 'bodyFile'];
    this.#findings.add(at, `${this.#findings.shown(at, bodyFile)}: ${content.message}`, content.hint);
  }

  #bytesOf(text: string): Uint8Array {
    const bytes = this.#texts.get(text) ?? new TextEncoder().encode(text);
    this.#texts.set(text, bytes);
    return bytes;
  }

  #bodyOf({ fallback }: Policy): Uint8Array {
    if (fallback.body !== null) return this.#bytesOf(fallback.body);
    const content = fallback.bodyFile === null ? undefined : this.#bodies.get(fallback.bodyFile);
    return content?.ok === true ? content.bytes : noBytes;
  }
}

/** Merges, fills in every default, and checks all that only shows when the parts are seen together. */
export const buildSettings = (written: WrittenConfig, file: string, findings: Findings): Settings => {
  const filled = fillIn(globalKeys, defaultsOf(globalKeys), written);
  const global = keepWithin<typeof globalKeys>(globalBounds, [], written, filled, findings);
  const builder = new SettingsBuilder(file, global.limits.replay, findings);
  const defaults = builder.layer(defaultsOf(policyKeys), written.defaults ?? {}, ['defaults']);
  const { admin, egress, limits, log, drain } = global;
  const replay = written.limits?.replay === undefined ? null : findings.placeOf(['limits', 'replay']);
  const settings: Settings = {
    admin: { ...admin },
    egress: {
      address: egress.address,
      unlisted: egress.unlisted,
      maxUnlisted: egress.maxUnlisted,
      unlistedIdleMs: egress.unlistedIdle,
      maxConnections: egress.maxConnections,
      maxTunnels: egress.maxTunnels,
    },
    unlistedPolicy: builder.settingsOf(defaults),
    unlistedPool: toPoolSettings(defaults),
    upstreams: Object.entries(written.upstreams ?? {}).map(([name, upstream]) =>
      builder.upstream(name, upstream, defaults),
    ),
    limits: {
      requestLineBytes: limits.requestLine,
      requestHeadBytes: limits.requestHead,
      fields: limits.fields,
      responseHeadBytes: limits.responseHead,
      trailerBytes: limits.trailers,
      chunkExtensionBytes: limits.chunkExtension,
      informational: limits.informational,
      headTimeoutMs: limits.headTimeout,
      requestBodyIdleMs: limits.bodyIdle,
      writeStallMs: limits.writeStall,
      keepAliveMs: limits.keepAlive,
      requestBodyBytes: limits.requestBody,
    },
    replayBytes: limits.replay,
    log: { level: log.level, format: log.format, access: log.access, sampleRatio: log.sample },
    drain: { deadlineMs: drain.deadline, idleExitMs: drain.idleExit },
    bodyFiles: builder.bodyFiles,
    hiddenTexts: builder.hiddenTexts,
    origins: { file, layers: builder.layers, replay },
  };
  checkAddresses(settings, findings);
  return settings;
};

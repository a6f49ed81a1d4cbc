import { parseSettings } from '../../src/config/parse-settings.ts';
import { Cap } from '../../src/lib/cap.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { rejected } from '../../src/policy/outcome.ts';
import { ReplayPool } from '../../src/proxy/body-record.ts';
import { Listeners } from '../../src/runtime/listeners.ts';
import { PlanBuilder } from '../../src/runtime/plan-builder.ts';
import { Registry } from '../../src/runtime/registry.ts';
import { buildRuntime } from '../../src/runtime/runtime.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { UnlistedRules } from '../../src/upstream/address-rules.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import type { Upstream } from '../../src/upstream/upstream.ts';
import type { DnsServer } from './dns-server.ts';
import type { Owner, RigAddress } from './owner.ts';
import type { ConfigText } from './sidecar.ts';

/** How one exchange ended, as its record said at that moment. */
export interface EndedExchange {
  readonly status: number;
  readonly attempts: number;
}

/** The product without its admin interface and log, which asks a name server of the test's own. */
export interface DataPath {
  readonly egress: RigAddress;
  readonly upstream: Upstream;
  readonly ended: readonly EndedExchange[];
}

/** Starts it with one upstream called `u`; `upstream`: the keys of the configuration below `upstreams.u`. */
export const startDataPath = async (
  owner: Owner,
  dns: DnsServer,
  upstream: ConfigText,
): Promise<DataPath> => {
  const config = { egress: { address: '127.0.0.1:0' }, upstreams: { u: upstream } };
  const parsed = parseSettings(JSON.stringify(config), 'test.json', {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { settings } = parsed;
  const ended: EndedExchange[] = [];
  const commands = new Commands();
  const bus = new EventBus([
    commands,
    { exchangeEnded: ({ status, attempts }) => ended.push({ status, attempts }) },
  ]);
  const registry = new Registry(systemClock, bus);
  const context = {
    clock: systemClock,
    random: Math.random,
    bus,
    replayPool: new ReplayPool(1024),
    tunnels: new Cap(10),
    pseudonym: 'outrigger-test',
    via: ['Via: 1.0 outrigger-test\r\n', 'Via: 1.1 outrigger-test\r\n'],
    nextRequestId: () => 'id',
  } as const;
  const resolver = new Resolver({
    clock: systemClock,
    hostsPath: '/dev/null',
    dns: { servers: [dns.address], search: [], ndots: 0 },
  });
  const unlistedRules = new UnlistedRules(() => []);
  const builder = new PlanBuilder({ context, registry, commands, resolver, unlistedRules });
  const runtime = buildRuntime(builder, settings, null);
  const { upstream: built } = runtime.upstreams[0]!.wire;
  const routes = {
    byHost: runtime.byHost,
    isOurOwn: () => false,
    unlisted: () => rejected('unlisted_destination'),
  };
  const listeners = new Listeners({
    context,
    timeouts: builder.timeouts,
    unrouted: commands.unrouted,
    cap: new Cap(1000),
    directions: { egress: () => routes, upstream: (name) => runtime.byName.get(name) },
  });
  owner.after(async () => {
    await listeners.close();
    built.close();
    builder.close();
    registry.close();
    resolver.close();
  });
  const ports = await listeners.prepare(settings);
  ports.commit();
  return { egress: listeners.egress!, upstream: built, ended };
};

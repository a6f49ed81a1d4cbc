import type { Clock } from '../lib/clock.ts';
import { type IpLiteral, parseIpLiteral } from './address-rules.ts';
import { WatchedFile } from './watched-file.ts';

const nothing: readonly IpLiteral[] = [];

/** The hosts file (hosts(5)), as it is now or was within the last second. */
export class HostsFile {
  readonly #file: WatchedFile<ReadonlyMap<string, readonly IpLiteral[]>>;

  constructor(path: string, clock: Clock) {
    this.#file = new WatchedFile(path, clock, parseHosts);
  }

  /** The addresses of `name` (lower case, no dot at its end) in the order of the file; empty when it is not in it. */
  lookup(name: string): readonly IpLiteral[] {
    return this.#file.content.get(name) ?? nothing;
  }
}

const parseHosts = (text: string): ReadonlyMap<string, readonly IpLiteral[]> => {
  const hosts = new Map<string, IpLiteral[]>();
  for (const line of text.split('\n')) {
    const [ip = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseIpLiteral(ip);
    if (address === null) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      const addresses = hosts.get(key);
      if (addresses === undefined) hosts.set(key, [address]);
      else if (!addresses.some((other) => other.host === address.host)) addresses.push(address);
    }
  }
  return hosts;
};

import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { type IpLiteral, parseIpLiteral } from './address-rules.ts';

/** How long what was read is believed without looking whether the file has changed. */
const CHECK_EVERY_MS = 1000;

const nothing: readonly IpLiteral[] = [];

/**
 * The hosts file (hosts(5)): read when first asked, and again when it has changed. A file that is missing or cannot be
 * read is an empty one. It is read in place: it is small, local, and looked at once a second at most.
 */
export class HostsFile {
  readonly #path: string;
  readonly #clock: Clock;
  #checkAt = Number.NEGATIVE_INFINITY;
  #version = '';
  #addresses = new Map<string, IpLiteral[]>();

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The addresses of `name` (lower case, no dot at its end) in the order of the file; empty when it is not in it. */
  lookup(name: string): readonly IpLiteral[] {
    const now = this.#clock.now();
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_EVERY_MS;
      this.#refresh();
    }
    return this.#addresses.get(name) ?? nothing;
  }

  #refresh(): void {
    try {
      const stat = statSync(this.#path);
      const version = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
      if (version === this.#version) return;
      this.#addresses = parseHosts(readFileSync(this.#path, 'utf8'));
      this.#version = version;
    } catch {
      this.#addresses = new Map();
      this.#version = '';
    }
  }
}

const parseHosts = (text: string): Map<string, IpLiteral[]> => {
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

import { isIP } from 'node:net';

/** What resolv.conf(5) says, as far as we go by it. */
export interface ResolvConf {
  /** `ip`, `ip:port` or `[ip]:port`, in the order of the file. */
  readonly servers: readonly string[];
  /** Domains that a name with few dots is looked for in. */
  readonly search: readonly string[];
  /** A name with at least this many dots is first looked up as it stands. 0–15, default 1. */
  readonly ndots: number;
}

/** How many name servers count; those after them are never asked, as everywhere else. */
const MAX_SERVERS = 3;

export const parseResolvConf = (text: string): ResolvConf => {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && isServer(values[0])) servers.push(values[0]);
    if (keyword === 'search' || keyword === 'domain') {
      search = values
        .map((domain) => domain.toLowerCase().replace(/\.$/, ''))
        .filter((domain) => domain !== '');
    }
    if (keyword !== 'options') continue;
    for (const option of values) {
      const match = /^ndots:(\d+)$/.exec(option);
      if (match !== null) ndots = Math.min(15, Number(match[1]));
    }
  }
  return { servers: servers.slice(0, MAX_SERVERS), search, ndots };
};

/** The full names to ask for, in order. `name` is in lower case; a dot at its end means: this one and no other. */
export const searchNames = (
  name: string,
  { search, ndots }: Pick<ResolvConf, 'search' | 'ndots'>,
): readonly string[] => {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const found = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...found] : [...found, name];
};

const isServer = (text: string | undefined): text is string => {
  if (text === undefined) return false;
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(text) ?? [];
  return isIP(bracketed ?? plain ?? text) !== 0;
};

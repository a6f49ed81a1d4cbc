import type { TlsSettings } from '../upstream/sources.ts';
import { parseHostPattern } from './addresses.ts';
import { choice, type Kind, leaf, listOf, oneOfForms, Refusal, text } from './kinds.ts';
import { filePath } from './policy-keys.ts';
import { key, optional } from './rows.ts';
import { scalarText } from './value-hints.ts';

type TlsVersion = TlsSettings['minVersion'];

const versions: readonly TlsVersion[] = ['1.2', '1.3'];

/** YAML takes 1.2 for a number; both are meant. */
const tlsVersion: Kind<TlsVersion> = leaf({
  range: versions.map((version) => `\`${version}\``).join(' or '),
  json: oneOfForms({ enum: [...versions.map(Number), ...versions] }),
  parse: (value) => {
    const written = scalarText(value).replace(/^TLSv/i, '');
    const found = versions.find((version) => version === written);
    if (found !== undefined) return found;
    const isOld = /^1(?:\.[01])?$|^SSL/i.test(written);
    return new Refusal(isOld ? 'is no longer safe' : 'is not a version of TLS', 'known: 1.2, 1.3');
  },
});

const serverName: Kind<string> = text('a host name or an IP address', (value) => {
  const parsed = parseHostPattern(value);
  if (parsed !== null && parsed.port === 0) return parsed.host;
  return new Refusal('is not a host name', 'without a port');
});

const relative = "PEM; a relative path starts at the configuration's folder";

/** What an upstream may say about TLS; `tls: {}` takes every default. */
export const tlsKeys = {
  ca: optional(
    filePath,
    "the system's CAs",
    `The CAs that may have issued the server's certificate: ${relative}. Read again when it changes, like the other files here. No key turns verification off.`,
  ),
  serverName: optional(
    serverName,
    'from `dns`, `hosts` or the endpoint',
    'The name that is asked for (SNI) and verified. Default: the name in `dns`; else, with `endpoints`, the first name in a written `hosts`; else the host that is dialled.',
  ),
  minVersion: key(tlsVersion, '1.2', 'The oldest version of TLS that is spoken.'),
  cert: optional(filePath, 'none', `Our own certificate, with its chain: ${relative}. Needs \`key\`.`),
  key: optional(filePath, 'none', `The private key of \`cert\`, not encrypted: ${relative}.`),
  alpn: key(
    listOf(choice('http/1.1', 'h2'), '`http/1.1` or `h2`', 1),
    ['http/1.1'],
    'The protocol that is spoken: HTTP/1.1 by `transport`, HTTP/2 (`h2`) by undici. One of them; a server that does not agree on it is refused.',
  ),
};

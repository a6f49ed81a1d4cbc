import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../config/settings.ts';

const nonProxyHosts = /-Dhttp\.nonProxyHosts=("[^"]*"|'[^']*'|\S*)/g;

/** What an entry of NO_PROXY is among Java's patterns; none where they cannot say it: a port, or a block of addresses. */
const patternsOf = (entry: string): readonly string[] => {
  if (entry === '*') return ['*'];
  if (isIPv6(entry)) return [`[${entry}]`];
  if (/[/:]/.test(entry)) return [];
  const host = entry.replace(/^\*?\./, '');
  if (host !== entry) return [`*.${host}`];
  // In NO_PROXY a name stands for all names below it too.
  return /^[\d.]+$|^localhost$/.test(host) ? [host] : [host, `*.${host}`];
};

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/, '$2');

/**
 * JAVA_TOOL_OPTIONS for a JVM that is to call by the proxy, but for the hosts of a NO_PROXY list. Java reads
 * no proxy variable. What was there stays, and comes first, since of two equal properties the last one counts; its
 * nonProxyHosts are taken over into ours. To `localhost` Java goes directly whatever these say.
 */
export const javaOptions = (
  given: string | undefined,
  { host, port }: ListenAddress,
  direct: readonly string[],
): string => {
  const before = Array.from((given ?? '').matchAll(nonProxyHosts), ([, value = '']) =>
    unquoted(value).split('|'),
  );
  const patterns = new Set([...before.flat(), ...direct.flatMap(patternsOf)]);
  const properties = ['http', 'https'].flatMap((scheme) => [
    `-D${scheme}.proxyHost=${host}`,
    `-D${scheme}.proxyPort=${port}`,
  ]);
  const ours = [...properties, `-Dhttp.nonProxyHosts=${[...patterns].filter(Boolean).join('|')}`];
  return [given ?? '', ...ours].filter((part) => part !== '').join(' ');
};

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { checkTlsFiles, type TlsFileBytes, type TlsFileKey } from '../lib/tls-files.ts';
import type { TlsSettings } from '../upstream/sources.ts';
import { readConfigFile } from './config-file.ts';
import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import { tlsKeys } from './tls-keys.ts';
import type { WrittenUpstream } from './vocabulary.ts';

type WrittenTls = NonNullable<WrittenUpstream['tls']>;

const fileKeys: readonly TlsFileKey[] = ['ca', 'cert', 'key'];

/** The name that holds for every endpoint; null: each is asked for by its own. */
const commonName = ({ tls, dns, endpoints, hosts = [] }: WrittenUpstream): string | null => {
  const written = tls?.serverName ?? null;
  if (written !== null) return written;
  // A service (port 0) is the name of no server.
  if (dns !== undefined && dns !== null && dns.port !== 0) return dns.host;
  if (endpoints === undefined && dns === undefined) return null;
  return (hosts ?? []).find(({ host }) => isIP(host) === 0)?.host ?? null;
};

/** Reads and checks the files, and reports what is wrong with them where they are named. */
const checkFiles = (written: WrittenTls, path: Path, folder: string, findings: Findings): void => {
  const bytes: Record<TlsFileKey, Uint8Array | null> = { ca: null, cert: null, key: null };
  const report = (key: TlsFileKey, message: string, hint: string): void => {
    const at = [...path, key];
    findings.add(at, `${findings.shown(at, written[key] ?? '')}: ${message}`, hint);
  };
  let areRead = true;
  for (const key of fileKeys) {
    const file = written[key] ?? null;
    if (file === null) continue;
    const content = readConfigFile(resolve(folder, file));
    if (content.ok) bytes[key] = content.bytes;
    else {
      areRead = false;
      report(key, content.message, content.hint);
    }
  }
  const fault = areRead ? checkTlsFiles(bytes satisfies TlsFileBytes) : null;
  if (fault !== null) report(fault.key, fault.message, fault.hint);
};

const checkPair = ({ cert, key }: WrittenTls, path: Path, findings: Findings): void => {
  if ((cert ?? null) !== null && (key ?? null) === null) {
    findings.add([...path, 'cert'], 'there is no key to it', 'name it in tls.key', [[...path, 'key']]);
  }
  if ((key ?? null) !== null && (cert ?? null) === null) {
    const hint = 'name it in tls.cert';
    findings.add([...path, 'key'], 'there is no certificate to it', hint, [[...path, 'cert']]);
  }
};

/** A socket's path is no name that a certificate could be for. */
const checkName = (upstream: WrittenUpstream, path: Path, findings: Findings): void => {
  const isNameless = (upstream.endpoints ?? []).some(({ kind }) => kind === 'unix');
  if (!isNameless || commonName(upstream) !== null) return;
  findings.add(path, 'there is no name to verify', 'write tls.serverName', [[...path, 'serverName']]);
};

/** What an upstream, which stands at `path`, says about TLS; null: nothing. Paths of files start at `folder`. */
export const toTlsSettings = (
  upstream: WrittenUpstream,
  path: Path,
  folder: string,
  findings: Findings,
): TlsSettings | null => {
  const { tls } = upstream;
  if (tls === undefined) return null;
  const at = [...path, 'tls'];
  checkPair(tls, at, findings);
  checkName(upstream, at, findings);
  checkFiles(tls, at, folder, findings);
  const whole = (file: string | null | undefined): string | null =>
    file === undefined || file === null ? null : resolve(folder, file);
  return {
    files: { ca: whole(tls.ca), cert: whole(tls.cert), key: whole(tls.key) },
    serverName: commonName(upstream),
    minVersion: tls.minVersion ?? tlsKeys.minVersion.fallback,
    alpn: tls.alpn ?? tlsKeys.alpn.fallback,
  };
};

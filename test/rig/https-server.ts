import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server as PlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from './owner.ts';

/** Why a test that needs certificates is skipped; false: it is not. */
export const withoutOpenssl: string | false =
  spawnSync('openssl', ['version']).error === undefined ? false : 'openssl is not installed';

/** A server over TLS, and the file with the authority that its clients have to trust. */
export interface HttpsServer {
  readonly server: Server;
  readonly port: number;
  readonly caFile: string;
}

const caConfig = `[req]
distinguished_name = name
prompt = no
x509_extensions = ca
[name]
CN = Outrigger test authority
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

const leafConfig = (hosts: readonly string[]): string => `[req]
distinguished_name = name
prompt = no
x509_extensions = leaf
[name]
CN = ${hosts[0]}
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = ${hosts.map((host) => `DNS:${host}`).join(', ')}, IP:127.0.0.1
`;

/** An authority for this test alone, and a certificate for these names and 127.0.0.1. Returns the folder they are in. */
const makeCertificates = (owner: Owner, hosts: readonly string[]): string => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-certificates-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'ca.conf'), caConfig);
  writeFileSync(join(folder, 'leaf.conf'), leafConfig(hosts));
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const make = (name: string, ...more: string[]): void => {
    const files = ['-config', `${name}.conf`, '-keyout', `${name}.key`, '-out', `${name}.pem`];
    execFileSync('openssl', ['req', '-x509', ...newKey, ...files, ...more], { cwd: folder, stdio: 'pipe' });
  };
  make('ca');
  make('leaf', '-CA', 'ca.pem', '-CAkey', 'ca.key');
  return folder;
};

/** Puts a server behind TLS, too, with a certificate for these names: it answers there as it does in the clear. */
export const serveOverTls = async (
  owner: Owner,
  plain: PlainServer,
  hosts: readonly string[],
): Promise<HttpsServer> => {
  const folder = makeCertificates(owner, hosts);
  const secure = createServer({
    key: readFileSync(join(folder, 'leaf.key')),
    cert: readFileSync(join(folder, 'leaf.pem')),
    keepAliveTimeout: 60_000,
  });
  secure.on('request', (request, response) => plain.emit('request', request, response));
  secure.listen({ host: '127.0.0.1', port: 0 });
  await once(secure, 'listening');
  owner.after(() => {
    secure.closeAllConnections();
    secure.close();
  });
  return { server: secure, port: (secure.address() as AddressInfo).port, caFile: join(folder, 'ca.pem') };
};

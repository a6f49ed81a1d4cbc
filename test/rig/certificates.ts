import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from './owner.ts';

/** Why tests with certificates cannot run here, in the words of `skip`; false: they can. Node itself issues none. */
export const noCertificates: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'needs the command openssl';

/** A certificate with its key, as files and as what is in them. */
export interface Credential {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Wish {
  /** As OpenSSL writes them: `DNS:a.test`, `IP:127.0.0.1`. None: a certificate for no server. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  /** From now; before it, where negative. */
  readonly validFromDays?: number;
  readonly validToDays?: number;
  readonly isCa?: boolean;
  /** What OpenSSL takes after `-newkey`; default: an elliptic curve, P-256. */
  readonly keyType?: readonly string[];
}

const curve: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

const DAY_MS = 86_400_000;

const openssl = (folder: string, ...args: string[]): void => {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
};

/** What OpenSSL calls a GeneralizedTime. */
const timeText = (days: number): string =>
  `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;

const config = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** Issues certificates into a folder of its own. */
export class CertificateAuthority {
  readonly folder: string;
  /** Its own certificate. */
  readonly own: Credential;
  #count = 0;

  /** `issuer` null: its certificate is its own root. */
  constructor(folder: string, commonName: string, issuer: CertificateAuthority | null, wish: Wish = {}) {
    this.folder = folder;
    writeFileSync(join(folder, 'ca.cnf'), config);
    writeFileSync(join(folder, 'index.txt'), '');
    const asked = { ...wish, commonName, isCa: true };
    this.own = issuer === null ? this.#selfSigned(asked) : issuer.issue(asked);
  }

  /** A certificate of this CA. */
  issue(wish: Wish): Credential {
    const name = this.#request(wish);
    openssl(
      this.folder,
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-cert', this.own.certFile],
      ...['-keyfile', this.own.keyFile, '-in', `${name}.csr`, '-out', `${name}.pem`],
      ...['-extfile', `${name}.ext`, ...this.#dates(wish)],
    );
    return this.#credential(name);
  }

  /** A certificate that nobody vouches for but itself. */
  #selfSigned(wish: Wish): Credential {
    const name = this.#request(wish);
    openssl(
      this.folder,
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-selfsign', '-keyfile', `${name}.key`],
      ...['-in', `${name}.csr`, '-out', `${name}.pem`, '-extfile', `${name}.ext`, ...this.#dates(wish)],
    );
    return this.#credential(name);
  }

  #dates({ validFromDays = -1, validToDays = 30 }: Wish): readonly string[] {
    return ['-startdate', timeText(validFromDays), '-enddate', timeText(validToDays)];
  }

  #request({
    keyType = curve,
    names = [],
    commonName = names[0]?.replace(/^[A-Z]+:/, '') ?? 'nobody',
    isCa = false,
  }: Wish): string {
    this.#count += 1;
    const name = `c${this.#count}`;
    const lines = [
      `basicConstraints = CA:${isCa ? 'TRUE' : 'FALSE'}`,
      ...(names.length === 0 ? [] : [`subjectAltName = ${names.join(',')}`]),
    ];
    writeFileSync(join(this.folder, `${name}.ext`), `${lines.join('\n')}\n`);
    openssl(
      this.folder,
      ...['req', '-new', '-nodes', '-newkey', ...keyType],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${commonName}`],
    );
    return name;
  }

  #credential(name: string): Credential {
    const certFile = join(this.folder, `${name}.pem`);
    const keyFile = join(this.folder, `${name}.key`);
    return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }
}

/** A CA whose folder goes with its owner. */
export const makeAuthority = (
  owner: Owner,
  commonName = 'Test CA',
  issuer: CertificateAuthority | null = null,
  wish: Wish = {},
): CertificateAuthority => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-ca-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  return new CertificateAuthority(folder, commonName, issuer, wish);
};

import type { KeyObject, X509Certificate } from 'node:crypto';
import { crypto, tls } from './late-builtins.ts';

/** The files that TLS to an upstream may have. */
export type TlsFileKey = 'ca' | 'cert' | 'key';

/** What is in each file; null: none is named. */
export type TlsFileBytes = Readonly<Record<TlsFileKey, Uint8Array | null>>;

/** What is wrong with one of the files. Nothing in it comes from the file. */
export interface TlsFileFault {
  readonly key: TlsFileKey;
  /** Said of the file: "has no certificate in it". */
  readonly message: string;
  readonly hint: string;
}

const fault = (key: TlsFileKey, message: string, hint = ''): TlsFileFault => ({ key, message, hint });

/** The certificates of a PEM file, in its order; else what is wrong with it. */
const certificatesIn = (key: TlsFileKey, bytes: Uint8Array): readonly X509Certificate[] | TlsFileFault => {
  const text = Buffer.from(bytes).toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  if (begun === 0) return fault(key, 'has no certificate in it', 'PEM, with BEGIN CERTIFICATE');
  const { X509Certificate } = crypto();
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return fault(key, `has a certificate that cannot be read: number ${certificates.length + 1}`);
    }
  }
  return begun === blocks.length ? certificates : fault(key, 'breaks off in the middle of a certificate');
};

/** As PKCS #8 and as the older form of OpenSSL say it. */
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

const readKey = (bytes: Uint8Array): KeyObject | TlsFileFault => {
  const pem = Buffer.from(bytes);
  if (encryptedKey.test(pem.toString('latin1'))) {
    return fault('key', 'is encrypted', 'it must be readable without a passphrase');
  }
  try {
    return crypto().createPrivateKey(pem);
  } catch {
    return fault('key', 'has no private key in it', 'PEM, with BEGIN PRIVATE KEY');
  }
};

const checkPair = (cert: Uint8Array, key: Uint8Array): TlsFileFault | null => {
  const chain = certificatesIn('cert', cert);
  if ('key' in chain) return chain;
  const privateKey = readKey(key);
  if ('message' in privateKey) return privateKey;
  if (chain[0]!.checkPrivateKey(privateKey)) return null;
  return fault('key', 'does not belong to the certificate', "the certificate's own comes first in its file");
};

/** What OpenSSL has against files that look right, such as a key that is too short. */
const checkUse = ({ ca, cert, key }: TlsFileBytes): TlsFileFault | null => {
  try {
    tls().createSecureContext({
      ca: ca === null ? [] : Buffer.from(ca),
      ...(cert === null || key === null ? {} : { cert: Buffer.from(cert), key: Buffer.from(key) }),
    });
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return fault(cert === null ? 'ca' : 'cert', `cannot be used: ${code}`);
  }
};

/** Checks the files by themselves and against each other; null: they can be used. Whether both of a pair are there is the caller's. */
export const checkTlsFiles = (files: TlsFileBytes): TlsFileFault | null => {
  const { ca, cert, key } = files;
  const roots = ca === null ? [] : certificatesIn('ca', ca);
  if ('key' in roots) return roots;
  const pair = cert === null || key === null ? null : checkPair(cert, key);
  return pair ?? checkUse(files);
};

import type { X509Certificate } from 'node:crypto';
import { durationInWords } from '../policy/explain.ts';

/** What a server showed in a handshake, and what was wanted of it. */
export interface ShownCertificate {
  /** The server's own, with those of its chain behind it. */
  readonly certificate: X509Certificate;
  /** The name that was asked for. */
  readonly serverName: string;
  /** Where the trusted CAs come from, for people. */
  readonly roots: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Longest text that is taken over from a certificate, and longest chain that is followed. */
const MAX_TEXT = 160;
const MAX_CHAIN = 10;

/** A peer's text on its way into a log line: one line of printable ASCII, cut short. */
const cleaned = (text: string): string => {
  const line = text
    .trim()
    .replaceAll('\n', ', ')
    .replace(/[^\x20-\x7e]/g, '?');
  return line.length <= MAX_TEXT ? line : `${line.slice(0, MAX_TEXT)}...`;
};

const orNothing = (text: string | undefined): string => (text === undefined || text === '' ? 'nobody' : text);

/** Null: it is valid at that time. */
const expiry = ({ validFromDate, validToDate }: X509Certificate, at: number): string | null => {
  const sinceExpiry = at - validToDate.getTime();
  const untilValid = validFromDate.getTime() - at;
  // A peer may write anything for a date.
  if (Number.isNaN(sinceExpiry + untilValid)) return 'with dates that make no sense';
  if (sinceExpiry > 0) return `expired ${durationInWords(sinceExpiry)} ago`;
  return untilValid > 0 ? `not valid for another ${durationInWords(untilValid)}` : null;
};

/** The first one behind the server's own that is not valid at that time; empty: there is none. */
const expiredIssuer = (certificate: X509Certificate, at: number): string => {
  let issuer = certificate.issuerCertificate;
  for (let depth = 1; issuer !== undefined && depth < MAX_CHAIN; depth += 1) {
    const why = expiry(issuer, at);
    if (why !== null) return `; ${cleaned(issuer.subject)} in its chain: ${why}`;
    issuer = issuer.issuerCertificate;
  }
  return '';
};

/**
 * For whoever is woken by a certificate that was refused: which name was asked for, for which names it is, who issued
 * it, whether it is valid by its dates, and whom we trust.
 */
export const describeCertificate = ({ certificate, serverName, roots, at }: ShownCertificate): string => {
  const names = orNothing(cleaned(certificate.subjectAltName ?? certificate.subject));
  const issuer = orNothing(cleaned(certificate.issuer));
  const dates = expiry(certificate, at) ?? `valid until ${certificate.validToDate.toISOString()}`;
  return (
    `asked for ${serverName}; the certificate is for ${names}, issued by ${issuer}, ${dates}` +
    `${expiredIssuer(certificate, at)}; trusted: ${roots}`
  );
};

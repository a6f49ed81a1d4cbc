/**
 * Errors of the operating system and of libraries, turned into our reasons. Nothing else in the program reads an error
 * of a socket: whoever gets one asks here.
 */
import type { WireFault } from '../http1/response-observer.ts';
import { violations } from '../http1/violation.ts';
import { type Failure, failure, type Rejected, rejected } from '../policy/outcome.ts';
import type { FailureReason } from '../policy/reason.ts';
import { describeCertificate, type ShownCertificate } from './shown-certificate.ts';

/** What c-ares calls the response codes of RFC 1035, section 4.1.1, in the words of the registry. */
const dnsWords = new Map([
  ['ENOTFOUND', 'NXDOMAIN'],
  ['ENODATA', 'NODATA'],
  ['EFORMERR', 'FORMERR'],
  ['ESERVFAIL', 'SERVFAIL'],
  ['ENOTIMP', 'NOTIMP'],
  ['EREFUSED', 'REFUSED'],
]);

/** Nobody listens there, and somebody who knows said so. The rest is `connect_failed`. */
const refusals = new Set([
  'ECONNREFUSED',
  // The path of a unix socket that does not exist, and one whose queue of connections is full.
  'ENOENT',
  'EAGAIN',
]);

/** `ECONNREFUSED` and its like; `UNKNOWN` for what is no error of the system. Never text that a peer could write. */
const systemCode = (error: unknown): string => {
  if (!(error instanceof Error) || !('code' in error)) return 'UNKNOWN';
  return typeof error.code === 'string' && /^[A-Z][A-Z0-9_/]*$/.test(error.code) ? error.code : 'UNKNOWN';
};

/** A connection that did not come about: nothing was sent. `detail` is the system's code. */
export const connectFault = (error: unknown): Failure => {
  const code = systemCode(error);
  let reason: FailureReason = 'connect_failed';
  if (refusals.has(code)) reason = 'connect_refused';
  if (code === 'ETIMEDOUT') reason = 'connect_timeout';
  return failure(reason, true, code);
};

/** What this process has run out of, or its machine. */
const shortages = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** What a dial that failed means for its attempt. That nothing was left to dial with says nothing about the upstream. */
export const dialOutcome = (fault: Failure): Failure | Rejected =>
  shortages.has(fault.detail) ? rejected('out_of_resources', -1, fault.detail) : fault;

/** OpenSSL's names for alerts say so, but for these of RFC 6066. */
const unmarkedAlerts = new Set(['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION']);

/** null: `code` is not one of the TLS library's. */
const tlsReason = (code: string): FailureReason | null => {
  if (!code.startsWith('ERR_SSL_')) return null;
  return code.includes('_ALERT_') || unmarkedAlerts.has(code) ? 'tls_alert_received' : 'tls_protocol_error';
};

/** True for what is said of a certificate: a word of X.509 verification, or that its names are not the one asked for. */
const isAboutCertificate = (code: string): boolean =>
  code.startsWith('ERR_TLS_CERT_') || !(code === 'UNKNOWN' || /^(?:E[A-Z0-9]+$|ERR_)/.test(code));

/** A TLS handshake that failed: nothing was sent. `shown`: what the server showed; null: it did not come so far. */
export const handshakeFault = (error: unknown, shown: ShownCertificate | null): Failure => {
  const code = systemCode(error);
  if (isAboutCertificate(code)) {
    return failure(
      'tls_certificate_error',
      true,
      shown === null ? code : `${code}: ${describeCertificate(shown)}`,
    );
  }
  return failure(tlsReason(code) ?? 'tls_protocol_error', true, `${code} in the handshake`);
};

/** A server that wants to speak something that was not offered to it. What it is called is not repeated. */
export const unofferedProtocol = failure('tls_protocol_error', true, 'ALPN: agreed on what was not offered');

/** A server that did not take up any of the protocols that were offered, where only these will do. */
export const noProtocol = failure('tls_protocol_error', true, 'ALPN: agreed on nothing');

/** The time to connect was over in the middle of the handshake. */
export const handshakeTimeout = failure('connect_timeout', true, 'in the TLS handshake');

/** Our own files for TLS cannot be used; `why` names no content of theirs. */
export const noTlsFiles = (why: string): Failure => failure('connect_failed', true, `tls: ${why}`);

/** An answer that ended with its connection, and nobody can tell whether that was its end (RFC 9112, section 9.8). */
export const unprovenEnd = failure('response_incomplete', false, 'ended with its TLS connection');

/**
 * A connection that was lost before the answer began. `error` null: the peer closed in order, and `detail` is `EOF`.
 * `isUnsent` only where not one byte of the request was written to it.
 */
export const resetFault = (error: unknown, isUnsent: boolean): Failure => {
  if (error === null) return failure('reset', isUnsent, 'EOF');
  const code = systemCode(error);
  return failure(tlsReason(code) ?? 'reset', isUnsent, code);
};

/** A name that could not be resolved. `detail` is the response code (RFC 9209, section 2.3.2), else the library's code. */
export const dnsFault = (error: unknown): Failure => {
  const code = systemCode(error);
  const reason = code === 'ETIMEOUT' || code === 'EAI_AGAIN' ? 'dns_timeout' : 'dns_error';
  return failure(reason, true, dnsWords.get(code) ?? code);
};

/** A name that cannot be in DNS at all, so that nobody was asked. */
export const badName = failure('dns_error', true, 'EBADNAME');

/** The name exists, and has nothing of what was asked for. */
export const noRecords = failure('dns_error', true, 'NODATA');

/** True where the name servers answered, and the answer is that there is no address. */
export const isAbsence = (fault: Failure): boolean =>
  fault.reason === 'dns_error' && (fault.detail === 'NXDOMAIN' || fault.detail === 'NODATA');

/**
 * Of several answers to one question, none of them with an address: one that leaves the question open before one that
 * settles it; then one by which the name exists. None at all: the name exists, for somebody has answered.
 */
export const gravest = (failures: readonly Failure[]): Failure =>
  failures.find((fault) => !isAbsence(fault)) ??
  failures.find((fault) => fault.detail === 'NODATA') ??
  failures[0] ??
  noRecords;

/** Rules of the wire with a reason of their own; an upstream that breaks another one has a `protocol_error`. */
const ruleReasons = new Map<string, FailureReason>([
  [violations.head_size.rule, 'response_head_too_large'],
  [violations.field_count.rule, 'response_head_too_large'],
  [violations.trailer_size.rule, 'response_head_too_large'],
  [violations.transfer_encoding.rule, 'response_transfer_coding'],
  [violations.transfer_coding.rule, 'response_transfer_coding'],
  [violations.switched.rule, 'upgrade_failed'],
]);

/**
 * An exchange that was lost on its connection. `hasHead`: the final head had come, so the answer is incomplete;
 * `isUnsent` only where not one byte of the request was written.
 */
export const wireFault = (fault: WireFault, hasHead: boolean, isUnsent: boolean): Failure => {
  if (fault.kind === 'malformed') {
    const { rule } = fault.violation;
    return failure(ruleReasons.get(rule) ?? 'protocol_error', false, rule);
  }
  if (!hasHead) return resetFault(fault.error, isUnsent);
  return failure('response_incomplete', false, fault.error === null ? 'EOF' : systemCode(fault.error));
};

/** What undici says when it stopped because of what the server sent. */
const undiciProtocolCodes = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  // Its parser asserts what a server can make untrue.
  'ERR_ASSERTION',
]);

const undiciCode = (error: unknown): string =>
  // Its parser's errors have no code of their own.
  error instanceof Error && error.name === 'HTTPParserError' ? 'HTTP_PARSER' : systemCode(error);

/**
 * An exchange that undici could not complete. `hasEnded`: the server closed the connection in order, which then is the
 * cause, whatever undici calls it. A request that undici refuses by itself is none that failed.
 */
export const undiciFault = (
  error: unknown,
  hasHead: boolean,
  isUnsent: boolean,
  hasEnded: boolean,
): Failure => {
  const code = undiciCode(error);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return failure('response_head_too_large', false, code);
  if (hasEnded) return hasHead ? failure('response_incomplete', false, 'EOF') : resetFault(null, isUnsent);
  const streamCode = http2Code(error);
  const isBroken = streamCode < 0 && (code === 'HTTP_PARSER' || undiciProtocolCodes.has(code));
  if (isBroken) return failure('protocol_error', false, code);
  if (hasHead) return failure('response_incomplete', false, code);
  return failure('reset', isUnsent || streamCode === REFUSED_STREAM, code);
};

/** Nothing was done with the request (RFC 9113, section 8.7). */
const REFUSED_STREAM = 7;

/** With what the server reset the stream; -1: it did not. */
const http2Code = (error: unknown): number =>
  error instanceof Error && 'http2ErrorCode' in error && typeof error.http2ErrorCode === 'number'
    ? error.http2ErrorCode
    : -1;

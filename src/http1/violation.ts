/** A rule of the wire that a message broke. */
export interface Violation {
  /** Word for metrics and log. */
  readonly rule: string;
  /** What a client is answered that broke it; upstreams that break a rule become a 502 elsewhere. */
  readonly status: number;
  /** For people: what was wrong, without a byte of what was sent. */
  readonly text: string;
}

const violation = (status: number, rule: string, text: string): Violation =>
  Object.freeze({ rule, status, text });

export const violations = {
  // Lines
  line_end: violation(400, 'line_end', 'A line must end with CR LF'),
  empty_lines: violation(400, 'empty_lines', 'Too many empty lines stand before the request'),
  // Request line
  method: violation(400, 'method', 'The method is not a token'),
  method_unknown: violation(501, 'method_unknown', 'The method is too long or has lower-case letters'),
  target: violation(400, 'target', 'The request target is empty or has a character that may not stand there'),
  target_form: violation(
    400,
    'target_form',
    'The request target has a form that does not go with the method',
  ),
  target_authority: violation(
    400,
    'target_authority',
    'The authority of the request target is not a host and port',
  ),
  target_scheme: violation(501, 'target_scheme', 'The scheme of the request target is not supported'),
  request_line_size: violation(414, 'request_line_size', 'The request line is too long'),
  version: violation(400, 'version', 'The request line has no proper HTTP version'),
  version_unsupported: violation(505, 'version_unsupported', 'Only HTTP/1.0 and HTTP/1.1 are spoken here'),
  // Status line
  status_line: violation(400, 'status_line', 'The status line is malformed'),
  status: violation(400, 'status', 'The status is not a number from 100 to 599'),
  // Field section
  field_name: violation(
    400,
    'field_name',
    'A field name is empty, folded, followed by space, or not a token',
  ),
  field_name_underscore: violation(400, 'field_name_underscore', 'A field name has an underscore'),
  field_value: violation(400, 'field_value', 'A field value has a control character'),
  field_count: violation(431, 'field_count', 'The message has too many fields'),
  head_size: violation(431, 'head_size', 'The header section is too large'),
  trailer_size: violation(431, 'trailer_size', 'The trailer section is too large'),
  // Semantics of the head
  host_missing: violation(400, 'host_missing', 'The Host field is missing'),
  host_repeated: violation(400, 'host_repeated', 'There is more than one Host field'),
  host: violation(400, 'host', 'The Host field is not a host and port'),
  content_length: violation(400, 'content_length', 'Content-Length is not a number'),
  content_length_repeated: violation(400, 'content_length_repeated', 'There is more than one Content-Length'),
  length_and_coding: violation(
    400,
    'length_and_coding',
    'Content-Length and Transfer-Encoding stand together',
  ),
  transfer_encoding: violation(400, 'transfer_encoding', 'Transfer-Encoding does not end in one chunked'),
  transfer_encoding_version: violation(
    400,
    'transfer_encoding_version',
    'Transfer-Encoding in an HTTP/1.0 message',
  ),
  transfer_coding: violation(501, 'transfer_coding', 'A transfer coding before chunked is not supported'),
  connection: violation(
    400,
    'connection',
    'Connection names a field that may not be removed, or is malformed',
  ),
  expectation: violation(417, 'expectation', 'The only expectation known is 100-continue'),
  upgrade: violation(400, 'upgrade', 'Upgrade is malformed'),
  connect_content: violation(400, 'connect_content', 'CONNECT has no content'),
  trace: violation(405, 'trace', 'TRACE is not allowed'),
  max_forwards: violation(400, 'max_forwards', 'Max-Forwards is not a number'),
  informational: violation(400, 'informational', 'There are too many informational responses'),
  switched: violation(400, 'switched', 'The protocol was switched without being asked, or to another one'),
  // Body
  chunk_size: violation(400, 'chunk_size', 'A chunk size is malformed or too large'),
  chunk_extension: violation(400, 'chunk_extension', 'A chunk extension is malformed'),
  chunk_extension_size: violation(413, 'chunk_extension_size', 'The chunk extensions are too large'),
  chunk_end: violation(400, 'chunk_end', 'A chunk does not end where its size says'),
  body_size: violation(413, 'body_size', 'The body is too large'),
  // Time
  head_time: violation(408, 'head_time', 'The header section did not arrive in time'),
  body_time: violation(408, 'body_time', 'The body did not arrive in time'),
} as const satisfies Record<string, Violation>;

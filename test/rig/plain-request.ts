import type { OutgoingRequest } from '../../src/upstream/transport.ts';

/** A request without content that is sent once. */
export const plainRequest: OutgoingRequest = {
  method: 'GET',
  headText: 'GET /x HTTP/1.1\r\nHost: u\r\n\r\n',
  body: null,
  isRepeatable: false,
  connectTimeoutMs: 1000,
  offered: '',
};

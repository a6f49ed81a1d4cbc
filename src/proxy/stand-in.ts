import { http } from '../lib/node-http.ts';
import type { FallbackSettings } from '../policy/policies.ts';

/** The fallback's answer as far as it is the same for every request, made with the plan: nothing is a template. */
export interface StandIn {
  readonly status: number;
  /** Status line and fields, each with its line end; what depends on the request comes after them. */
  readonly headText: string;
  /** Empty where the status allows none. */
  readonly content: Buffer;
}

/** RFC 9110 sections 15.3.5 and 15.4.5. */
const hasNoContent = (status: number): boolean => status === 204 || status === 304;

/** The content is a view of the settings' bytes: routes that inherit it share them. */
export const standInOf = ({ status, headers, body }: FallbackSettings): StandIn => {
  const content = Buffer.from(body.buffer, body.byteOffset, hasNoContent(status) ? 0 : body.byteLength);
  let headText = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n`;
  for (const [name, value] of Object.entries(headers)) headText += `${name}: ${value}\r\n`;
  if (!hasNoContent(status)) headText += `Content-Length: ${content.length}\r\n`;
  return { status, headText, content };
};

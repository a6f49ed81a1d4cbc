import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { crypto, zlib } from '../lib/late-builtins.ts';
import { securityHeaders, sendText } from './admin-reply.ts';
import type { DashboardFiles } from './dashboard-files.ts';

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const html = 'text/html; charset=utf-8';
const importMapMarker = '<!-- importmap -->';

/** The policy of a page: our own scripts and styles, our own connections, nothing else; `script` allows one inline script. */
const pagePolicy = (script = ''): OutgoingHttpHeaders => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src 'self'${script}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
});

/** One file as it goes over the wire. */
class Asset {
  readonly #bytes: Buffer;
  readonly #type: string;
  readonly #tag: string;
  #zipped: Buffer | null = null;

  constructor(path: string, text: string) {
    this.#bytes = Buffer.from(text);
    this.#type = contentTypes[path.slice(path.lastIndexOf('.') + 1)] ?? 'text/plain; charset=utf-8';
    // Weak: the zipped form is the same content in other bytes.
    this.#tag = `W/"${crypto().createHash('sha256').update(this.#bytes).digest('base64url').slice(0, 22)}"`;
  }

  send(request: IncomingMessage, response: ServerResponse): void {
    const headers: OutgoingHttpHeaders = {
      ...securityHeaders,
      // Asked for anew each time, since another version may run tomorrow under the same address.
      'Cache-Control': 'no-cache',
      ETag: this.#tag,
      Vary: 'Accept-Encoding',
    };
    if (request.headers['if-none-match']?.split(/, */).includes(this.#tag)) {
      response.writeHead(304, headers);
      response.end();
      return;
    }
    const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = isZipped ? this.#zip() : this.#bytes;
    if (isZipped) headers['Content-Encoding'] = 'gzip';
    response.writeHead(200, { ...headers, 'Content-Type': this.#type, 'Content-Length': body.length });
    response.end(body);
  }

  /** Once, when somebody first wants it: a dashboard often comes over a slow port-forward. */
  #zip(): Buffer {
    this.#zipped ??= zlib().gzipSync(this.#bytes);
    return this.#zipped;
  }
}

/** Everything as it is sent. */
interface Content {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly dashboard: string;
  readonly dashboardPolicy: OutgoingHttpHeaders;
  readonly signIn: string;
}

const contentOf = ({ pages, assets, imports }: DashboardFiles): Content => {
  // An import map cannot be a file of its own: its hash tells the browser that it is ours.
  const importMap = JSON.stringify({ imports });
  const hash = crypto().createHash('sha256').update(importMap).digest('base64');
  const script = `<script type="importmap">${importMap}</script>`;
  return {
    assets: new Map(Object.entries(assets).map(([path, text]) => [path, new Asset(path, text)])),
    dashboard: pages.dashboard.replace(importMapMarker, () => script),
    dashboardPolicy: pagePolicy(` 'sha256-${hash}'`),
    signIn: pages.signIn,
  };
};

/**
 * The dashboard's pages and files, all in memory once somebody has asked for one: a request's path is looked up among the
 * paths that there are, and never becomes the name of a file (decision 0020).
 */
export class DashboardAssets {
  readonly #read: () => DashboardFiles;
  #content: Content | null = null;

  /** `read` is called once at most. Most sidecars are never looked at. */
  constructor(read: () => DashboardFiles) {
    this.#read = read;
  }

  find(path: string): ((request: IncomingMessage, response: ServerResponse) => void) | null {
    const asset = this.#loaded().assets.get(path);
    return asset === undefined ? null : (request, response) => asset.send(request, response);
  }

  sendDashboard(response: ServerResponse): void {
    const { dashboard, dashboardPolicy } = this.#loaded();
    sendText(response, 200, html, dashboard, dashboardPolicy);
  }

  /** In place of the dashboard, for somebody who has not shown the token yet. */
  sendSignIn(response: ServerResponse): void {
    sendText(response, 401, html, this.#loaded().signIn, {
      ...pagePolicy(),
      'WWW-Authenticate': 'Bearer realm="outrigger"',
    });
  }

  #loaded(): Content {
    this.#content ??= contentOf(this.#read());
    return this.#content;
  }
}

import { readFileSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import type { Owner, RigAddress } from './owner.ts';

const require = createRequire(import.meta.url);
const webapp = join(require.resolve('hystrix-dashboard/package.json'), '../webapp');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
};

/** The one file that the page would load from a CDN. */
const withLocalUnderscore = (html: string): string =>
  html.replace(/(?:https?:)?\/\/cdnjs[^"']*underscore[^"']*/g, '/underscore.js');

const sendFile = (path: string, response: ServerResponse): void => {
  const file = normalize(path);
  if (file.startsWith('..')) {
    response.writeHead(404).end();
    return;
  }
  try {
    const bytes =
      path === '/underscore.js'
        ? readFileSync(require.resolve('underscore'))
        : readFileSync(join(webapp, file));
    const type = types[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type });
    response.end(type === 'text/html' ? withLocalUnderscore(bytes.toString()) : bytes);
  } catch {
    response.writeHead(404).end();
  }
};

/** What Netflix's servlet does for the page: fetches the stream that the page names. Here it knows one origin alone. */
const proxyStream = (
  origin: RigAddress,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const target = new URL(url.searchParams.get('origin') ?? '');
  if (target.host !== `${origin.host}:${origin.port}`) {
    response.writeHead(403).end();
    return;
  }
  const upstream = get(target, (incoming) => {
    const { 'transfer-encoding': _, ...headers } = incoming.headers;
    response.writeHead(incoming.statusCode ?? 500, headers);
    incoming.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.on('close', () => upstream.destroy());
};

/** Netflix's own dashboard, reading the Hystrix stream of the sidecar at `admin`. Resolves to the page's address. */
export const startNetflixDashboard = async (owner: Owner, admin: RigAddress): Promise<string> => {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/proxy.stream') proxyStream(admin, url, request, response);
    else sendFile(url.pathname, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  owner.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const stream = `http://${admin.host}:${admin.port}/hystrix.stream`;
  const streams = JSON.stringify([{ name: 'outrigger', stream, auth: '', delay: '' }]);
  return `http://127.0.0.1:${port}/monitor/monitor.html?streams=${encodeURIComponent(streams)}`;
};

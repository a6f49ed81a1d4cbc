/**
 * http-proxy-3 as its documentation sets it up for many requests: with an agent that keeps connections. The same as
 * Outrigger: a time limit for the upstream, for a request's head and for clients that take nothing; pooled upstream
 * connections, as many at the same time. What it does not do: connect and queue timeouts, a limit of requests in flight
 * other than by those connections, retries, a breaker, Via, counters, a log.
 * Usage: `node http-proxy-3.js PORT UPSTREAM_PORT IN_FLIGHT`.
 */
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [, , port, upstreamPort, inFlight] = process.argv;
const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: Number(inFlight), maxFreeSockets: 64 }),
  proxyTimeout: 15_000,
});
proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response && !response.headersSent) response.writeHead(502);
  response.end();
});
// By default Node looks every half minute whose time is over.
const limits = { headersTimeout: 10_000, connectionsCheckingInterval: 1000, keepAliveTimeout: 60_000 };
const server = createServer(limits, (request, response) => proxy.web(request, response));
// Of a socket on which nothing moves; those without a request are closed then too.
server.timeout = 30_000;
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });

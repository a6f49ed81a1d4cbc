/**
 * @fastify/http-proxy, with its undici pool as wide as the others' and its time limits. The same as Outrigger: time limits
 * for the upstream, for a request's head and for clients that take nothing; pooled upstream connections, as many at the
 * same time. It repeats a GET that was answered by 503, up to ten times and when `Retry-After` says, else within
 * a moment. What it does not do: retries after a failed connection, a queue timeout, a budget for retries, a breaker, Via, counters; its log is
 * off. Usage: `node fastify-http-proxy.js PORT UPSTREAM_PORT IN_FLIGHT`.
 */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [, , port, upstreamPort, inFlight] = process.argv;
const server = fastify({
  logger: false,
  keepAliveTimeout: 60_000,
  // Of a socket on which nothing moves.
  connectionTimeout: 30_000,
  // By default Node looks every half minute whose time is over.
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 1000 },
});
server.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: {
    connections: Number(inFlight),
    pipelining: 1,
    keepAliveTimeout: 4000,
    headersTimeout: 15_000,
    connect: { timeout: 1000 },
  },
});
await server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });

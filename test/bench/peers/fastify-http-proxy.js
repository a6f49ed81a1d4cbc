/**
 * @fastify/http-proxy, with its undici pool as wide as the others' and its time limits. It retries what fails to connect, and
 * has none of the other policies. Usage: `node fastify-http-proxy.js PORT UPSTREAM_PORT`.
 */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';

const [, , port, upstreamPort] = process.argv;
const server = fastify({ logger: false, keepAliveTimeout: 60_000 });
server.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 256, pipelining: 1, keepAliveTimeout: 4000, headersTimeout: 15_000 },
});
await server.listen({ port: Number(port), host: '127.0.0.1' });

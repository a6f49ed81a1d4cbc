/**
 * http-proxy-3 as its documentation sets it up for many requests: with an agent that keeps connections. It has a time limit
 * for the upstream and none of the other policies. Usage: `node http-proxy-3.js PORT UPSTREAM_PORT`.
 */
import { Agent } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [, , port, upstreamPort] = process.argv;
const proxy = createProxyServer({
  target: `http://127.0.0.1:${upstreamPort}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 64 }),
  proxyTimeout: 15_000,
});
proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response) response.writeHead(502);
  response.end();
});
proxy.listen(Number(port), '127.0.0.1');

// Reviews of a product, with the stars that ratings gives. It knows nothing of the sidecar: it calls ratings by its name,
// and the variables in its environment lead the call through the proxy.
import { createServer } from 'node:http';

const port = Number(process.env['PORT'] ?? 8080);
const ratings = process.env['RATINGS'] ?? 'http://ratings:8080';

const server = createServer(async (request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n');
  const product = request.url?.split('/').at(-1) ?? '1';
  try {
    const answer = await fetch(`${ratings}/ratings/${product}`);
    if (!answer.ok) throw new Error(`ratings answered ${answer.status}`);
    const { stars } = /** @type {{ stars: number | null }} */ (await answer.json());
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify({ product, text: 'Floats well.', stars })}\n`);
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error}\n`);
  }
});

server.listen(port, () => console.log(`reviews listens on ${JSON.stringify(server.address())}`));
process.on('SIGTERM', () => server.close());

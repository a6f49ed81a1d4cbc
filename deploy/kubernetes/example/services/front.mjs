// The page of a product, with its reviews. So that there is something to see it has visitors of its own:
// VISITS_PER_SECOND requests to itself.
import { createServer } from 'node:http';

const port = Number(process.env['PORT'] ?? 8080);
const reviews = process.env['REVIEWS'] ?? 'http://reviews:8080';
const visitsPerSecond = Number(process.env['VISITS_PER_SECOND'] ?? 5);

const server = createServer(async (request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n');
  const product = request.url?.split('/').at(-1) ?? '1';
  try {
    const answer = await fetch(`${reviews}/reviews/${product}`);
    const page = answer.ok ? { product, reviews: await answer.json() } : { product, reviews: null };
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(page)}\n`);
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error}\n`);
  }
});

server.listen(port, () => console.log(`front listens on ${JSON.stringify(server.address())}`));

let visit = 0;
const visits =
  visitsPerSecond > 0 &&
  setInterval(async () => {
    visit += 1;
    const { port: own } = /** @type {import('node:net').AddressInfo} */ (server.address());
    await fetch(`http://127.0.0.1:${own}/products/${visit % 10}`).then(
      (answer) => answer.text(),
      (error) => console.error(`a visitor got no answer: ${error}`),
    );
  }, 1000 / visitsPerSecond);

process.on('SIGTERM', () => {
  if (visits) clearInterval(visits);
  server.close();
});

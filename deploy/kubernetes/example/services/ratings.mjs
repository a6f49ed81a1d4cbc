// Stars for a product. POST /mode with "error", "slow" or "fine" says how it answers: the way to break it.
import { createServer } from 'node:http';

const port = Number(process.env['PORT'] ?? 8080);
const stars = ['5', '4', '3'];
let mode = 'fine';

const server = createServer(async (request, response) => {
  if (request.url === '/healthz') return void response.end('ok\n');
  if (request.method === 'POST' && request.url === '/mode') {
    mode = '';
    for await (const chunk of request) mode += chunk;
    console.log(`ratings answers ${mode}`);
    return void response.end(`${mode}\n`);
  }
  if (mode === 'slow') await new Promise((resolve) => setTimeout(resolve, 5000));
  if (mode === 'error') response.statusCode = 500;
  const index = Number(request.url?.split('/').at(-1)) % stars.length || 0;
  response.setHeader('content-type', 'application/json');
  response.end(mode === 'error' ? '{"error":"broken"}\n' : `{"stars":${stars[index]}}\n`);
});

server.listen(port, () => console.log(`ratings listens on ${JSON.stringify(server.address())}`));
process.on('SIGTERM', () => server.close());

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Owner } from './owner.ts';

const program = `
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(server.address().port));
`;

/**
 * A port where a connect neither succeeds nor fails: its process is stopped and the kernel's queue of connections that
 * wait for it is full.
 */
export const startFullBacklog = async (owner: Owner): Promise<number> => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  owner.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  for (let count = 0; count < 8; count += 1) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    owner.after(() => socket.destroy());
  }
  // The kernel answers on loopback within the call: two turns of the loop are plenty.
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  return port;
};

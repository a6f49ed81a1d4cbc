import { join } from 'node:path';
import type { ClientAnswer } from '../rig/client-calls.ts';
import { type MatrixClient, testClients } from '../rig/client-matrix.ts';
import { runWell, withoutProgram } from '../rig/command-client.ts';

const program = join(import.meta.dirname, '../rig/python-client.py');

/** The first Python that has this library, or else any. */
const pythonWith = (library: string): { python: string; skip: string | false } => {
  for (const python of ['/usr/bin/python3', 'python3']) {
    if (withoutProgram(python, ['-c', `import ${library}`]) === false) return { python, skip: false };
  }
  return { python: 'python3', skip: `Python's ${library} is not installed` };
};

const client = (library: 'requests' | 'urllib'): MatrixClient => {
  const { python, skip } = pythonWith(library);
  return {
    name: `Python's ${library}`,
    skip,
    asks: 'absolute',
    reads: ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'],
    perform: async ({ calls, base, way, stage }) => {
      const task = JSON.stringify({ library, calls, base, uploadFile: stage.uploadFile });
      const { stdout } = await runWell(python, [program], { env: way.env, stdin: Buffer.from(task) });
      return JSON.parse(stdout.toString()) as ClientAnswer[][];
    },
  };
};

testClients([client('requests'), client('urllib')]);

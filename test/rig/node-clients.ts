import { join } from 'node:path';
import type { ClientAnswer } from './client-calls.ts';
import type { MatrixClient } from './client-matrix.ts';
import { runWell } from './command-client.ts';
import type { NodeLibrary, NodeTask } from './node-client.ts';

const program = join(import.meta.dirname, 'node-client.ts');

/**
 * A client of Node, in a process of its own that runs `node-client.ts`, and what tells it of its proxy: variables that
 * it reads itself, variables that Node reads for it, or an option.
 */
export const nodeClient = (library: NodeLibrary, toldBy: 'variables' | 'node' | 'option'): MatrixClient => ({
  name: library,
  skip: false,
  asks: 'absolute',
  reads: toldBy === 'option' ? null : ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'],
  ...(toldBy === 'node' ? { switch: 'NODE_USE_ENV_PROXY' as const } : {}),
  perform: async ({ calls, base, way, stage }) => {
    const task: NodeTask = { library, calls, base, uploadFile: stage.uploadFile, proxy: way.proxy };
    const { stdout } = await runWell(process.execPath, [program], {
      env: way.env,
      stdin: Buffer.from(JSON.stringify(task)),
    });
    return JSON.parse(stdout.toString()) as ClientAnswer[][];
  },
});

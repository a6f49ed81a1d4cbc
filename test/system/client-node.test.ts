import { testClients } from '../rig/client-matrix.ts';
import { nodeClient } from '../rig/node-clients.ts';

testClients([nodeClient('fetch', 'node'), nodeClient('node:http', 'node')]);

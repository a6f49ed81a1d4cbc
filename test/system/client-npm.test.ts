import { testClients } from '../rig/client-matrix.ts';
import { nodeClient } from '../rig/node-clients.ts';

testClients([{ ...nodeClient('axios', 'variables'), keepsNoTunnel: true }, nodeClient('got', 'node')]);

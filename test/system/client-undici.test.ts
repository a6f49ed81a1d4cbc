import { testClients } from '../rig/client-matrix.ts';
import { nodeClient } from '../rig/node-clients.ts';

testClients([nodeClient('undici EnvHttpProxyAgent', 'variables'), nodeClient('undici ProxyAgent', 'option')]);

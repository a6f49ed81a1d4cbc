import { footprint } from './footprint.ts';
import { loopDelay } from './loop-delay.ts';
import { manyHosts } from './many-hosts.ts';
import { slowClients } from './slow-clients.ts';
import type { Study } from './study.ts';

/** Cases with a table of their own, in the order in which they run. */
export const studies: readonly Study[] = [footprint, manyHosts, loopDelay, slowClients];

import type { ListenAddress, Settings } from '../config/settings.ts';

/**
 * The addresses that the settings ask to listen on. They are known before the first name is looked up, and a name in the
 * hosts file may point at one of them.
 */
export const declaredPorts = ({ egress, admin, upstreams }: Settings): readonly ListenAddress[] =>
  [egress.address, admin.address, admin.probes, ...upstreams.map(({ listen }) => listen)].filter(
    (address) => address !== null,
  );

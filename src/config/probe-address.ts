import { parseListenAddress } from './addresses.ts';
import { decodeText, readConfigFile } from './config-file.ts';
import { EnvScalar } from './env-scalar.ts';
import type { ListenAddress } from './settings.ts';
import type { Environment } from './substitution.ts';
import { readTree } from './tree-reader.ts';

/** A mapping of the file, as its reader leaves it. */
type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof EnvScalar);

const addressIn = (group: Mapping, key: string): ListenAddress | null => {
  const written = group[key];
  const text = written instanceof EnvScalar ? written.text : written;
  return typeof text === 'string' ? parseListenAddress(text) : null;
};

/**
 * Where a sidecar that was started with this file answers its probes: `admin.probes`, else `admin.address`, else null.
 * Looks at these two alone, whatever the rest of the file is like: a process keeps what it read at its start, and must not
 * look dead because somebody has made a mistake in the file since. Never throws.
 */
export const probeAddress = (file: string, env: Environment): ListenAddress | null => {
  const content = readConfigFile(file);
  const text = content.ok ? decodeText(content.bytes) : null;
  if (text === null) return null;
  const tree = readTree(text, file, env);
  if (Array.isArray(tree) || !isMapping(tree.value)) return null;
  const { admin } = tree.value;
  if (!isMapping(admin)) return null;
  return addressIn(admin, 'probes') ?? addressIn(admin, 'address');
};

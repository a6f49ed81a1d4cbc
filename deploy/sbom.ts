import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import project from '../package.json' with { type: 'json' };

/** What the lock file says of an installed package. */
interface Locked {
  readonly version: string;
  readonly license: string;
  /** `sha512-` and the digest of the package in base64. */
  readonly integrity: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

type LockedPackages = Readonly<Record<string, Locked>>;

const purlOf = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** `node_modules/a/node_modules/@b/c` → `@b/c` */
const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

const licensesOf = (license: string): readonly object[] =>
  license.includes(' ') ? [{ expression: license }] : [{ license: { id: license } }];

const componentOf = (path: string, { version, license, integrity }: Locked): object => {
  const name = nameOf(path);
  return {
    type: 'library',
    'bom-ref': purlOf(name, version),
    name,
    version,
    scope: 'required',
    hashes: [
      { alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') },
    ],
    licenses: licensesOf(license),
    purl: purlOf(name, version),
  };
};

/** Where Node would find `name` from the package in this folder: inside it, else further up; null: not bundled. */
const foundFrom = (path: string, name: string, bundled: ReadonlySet<string>): string | null => {
  const inside = path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`;
  if (bundled.has(inside)) return inside;
  if (path === '') return null;
  return foundFrom(path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name, bundled);
};

const refsOf = (
  path: string,
  needs: Partial<Pick<Locked, 'dependencies' | 'peerDependencies'>>,
  bundled: ReadonlySet<string>,
  locked: LockedPackages,
): string[] => {
  const names = Object.keys({ ...needs.dependencies, ...needs.peerDependencies });
  const found = names.map((name) => foundFrom(path, name, bundled)).filter((each) => each !== null);
  return found.map((each) => purlOf(nameOf(each), locked[each]!.version)).sort();
};

/** RFC 9562, version 8: the same bill has the same number, whenever and wherever it was made. */
const uuidOf = (text: string): string => {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/**
 * The bill of materials of the bundle, CycloneDX 1.6 as JSON: the packages in these folders (`node_modules/undici`), as
 * the lock file has them. It depends on nothing else: no time, no machine.
 */
export const billOfMaterials = (root: string, folders: Iterable<string>): string => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: LockedPackages;
  };
  const bundled = new Set([...folders].sort());
  const entries = [...bundled].map((path) => [path, lock.packages[path]!] as const);
  const ref = purlOf(project.name, project.version);
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': ref,
        name: project.name,
        version: project.version,
        description: project.description,
        licenses: licensesOf(project.license),
        purl: ref,
      },
    },
    components: entries.map(([path, locked]) => componentOf(path, locked)),
    dependencies: [
      { ref, dependsOn: refsOf('', project, bundled, lock.packages) },
      ...entries.map(([path, locked]) => ({
        ref: purlOf(nameOf(path), locked.version),
        dependsOn: refsOf(path, locked, bundled, lock.packages),
      })),
    ],
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bill))}`;
  return `${JSON.stringify({ serialNumber, ...bill }, null, 2)}\n`;
};

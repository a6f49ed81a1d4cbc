/**
 * `npm run build`: the whole program, dashboard included, as one file in `dist/` (or in the folder that is given). Beside
 * it `outrigger health` by itself, for images, and the licences and the bill of materials of what others wrote.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { dashboardFiles } from '../src/admin/dashboard-files.ts';
import { billOfMaterials } from './sbom.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'dist');

const dashboard = dashboardFiles();

/** In the bundle the dashboard's texts stand where in a checkout they are read from their folders. */
const dashboardInside: Plugin = {
  name: 'dashboard',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[\\/]dashboard-files\.ts$/ }, () => ({
      contents: `export const dashboardFiles = () => (${JSON.stringify(dashboard)});`,
      loader: 'js',
    }));
  },
};

/** The folder of the package that a file belongs to; null for a file of our own. */
const packageOf = (path: string): string | null =>
  /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)(?:\/|$)/.exec(path)?.[1] ?? null;

const licenceOf = (path: string): string => {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, path)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(root, path, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { outrigger: 'src/main.ts', health: 'src/health.ts' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Named, since without it the build would not fail but come out a little different.
  tsconfig: 'tsconfig.json',
  legalComments: 'none',
  // Without comments everything is ASCII, and the runtime keeps a character in one byte, and not in two. Names stay as they
  // are, for stack traces.
  minifyWhitespace: true,
  lineLimit: 120,
  metafile: true,
  outdir: folder,
  // Packages in the older module format ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
  },
  plugins: [dashboardInside],
});

// What the dashboard loads comes from npm too, but goes in as text that esbuild does not look into.
const others = [
  ...Object.keys(metafile.inputs),
  ...Object.keys(dashboard.imports).map((name) => `node_modules/${name}`),
];
const packages = new Set<string>();
for (const path of others) {
  const found = packageOf(path);
  if (found !== null && existsSync(join(root, found, 'package.json'))) packages.add(found);
}
const licences = [...packages].sort().map(licenceOf);
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
writeFileSync(join(folder, 'sbom.cdx.json'), billOfMaterials(root, packages));

for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  process.stdout.write(`${file} ${Math.round(bytes / 1024)} KiB, ${packages.size} packages of others\n`);
}

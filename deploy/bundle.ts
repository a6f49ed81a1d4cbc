/**
 * `npm run build`, without the code cache: the program, dashboard included, in `dist/` or in the folder that is given.
 * `outrigger.js` starts it, `program.js` is all of it but undici, `undici.js` is that (decision 0029). Beside them
 * `outrigger health` by itself, for images, and the licences and the bill of materials of what others wrote.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
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

/** Two fifths of all code, loaded when an upstream wants HTTP/2 or `transport: undici`, or a command asks a sidecar. */
const undiciBeside: Plugin = {
  name: 'undici',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^undici$/ }, ({ kind }) =>
      kind === 'entry-point' ? null : { path: './undici.js', external: true },
    );
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

const options = {
  absWorkingDir: root,
  // There is nothing else of `import.meta` in what goes in.
  define: { 'import.meta.dirname': '__dirname' },
  bundle: true,
  platform: 'node',
  // Here each of Node's modules is loaded where it is first needed, and none for the sake of all its exports.
  format: 'cjs',
  supported: { 'dynamic-import': false },
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
  plugins: [dashboardInside, undiciBeside],
} as const satisfies BuildOptions;

// Made of what stood there before: V8 compares no more of a text than its length.
rmSync(join(folder, 'program.cache'), { force: true });
const built = await Promise.all([
  build({
    ...options,
    entryPoints: { outrigger: 'deploy/start/start.ts', health: 'src/health.ts', undici: 'undici' },
  }),
  build({
    ...options,
    entryPoints: { program: 'src/main.ts' },
    // What is started by `outrigger.js`, and not by Node.
    banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
    footer: { js: '})' },
  }),
]);
const metafiles = built.map(({ metafile }) => metafile);

// Else the nearest package.json says what a file is, or Node tries both.
writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');

// What the dashboard loads comes from npm too, but goes in as text that esbuild does not look into.
const others = [
  ...metafiles.flatMap(({ inputs }) => Object.keys(inputs)),
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

for (const [file, { bytes }] of metafiles.flatMap(({ outputs }) => Object.entries(outputs))) {
  process.stdout.write(`${file} ${Math.round(bytes / 1024)} KiB, ${packages.size} packages of others\n`);
}

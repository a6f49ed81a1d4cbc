import { readdirSync, readFileSync } from 'node:fs';

/** The text of the dashboard's pages and of everything that they load, by the path that it is served at. */
export interface DashboardFiles {
  /** Pages, with a marker where the import map goes. */
  readonly pages: { readonly dashboard: string; readonly signIn: string };
  /** Scripts, styles and pictures, by their whole path: `/assets/board/board.js`. */
  readonly assets: Readonly<Record<string, string>>;
  /** Where the browser finds a module that is imported by a bare name. */
  readonly imports: Readonly<Record<string, string>>;
}

/** Modules of others by the name that our modules import them by. They come from npm, as browsers can read them. */
const modules: Readonly<Record<string, string>> = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  '@preact/signals': '@preact/signals',
  '@preact/signals-core': '@preact/signals-core',
  htm: 'htm',
  uplot: 'uplot/dist/uPlot.esm.js',
};

const readText = (url: URL | string): string => readFileSync(new URL(url), 'utf8');

/** A map that is not served would be asked for by developer tools, in vain. */
const withoutSourceMap = (text: string): string => text.replaceAll(/\/\/# sourceMappingURL=.*/g, '');

const folder = (path: string, url: URL): [string, string][] =>
  readdirSync(url)
    .filter((file) => /\.(js|css|svg)$/.test(file))
    .map((file) => [`${path}${file}`, readText(new URL(file, url))]);

/**
 * Reads the dashboard from the folders that it lies in. The only place that does: a bundle has in its stead a module that
 * holds the texts themselves (`deploy/bundle.ts`), and reads nothing.
 */
export const dashboardFiles = (): DashboardFiles => {
  const own = new URL('./dashboard/', import.meta.url);
  const imports: Record<string, string> = {};
  const vendor: [string, string][] = [];
  for (const [name, specifier] of Object.entries(modules)) {
    const path = `/assets/vendor/${name.replace('@', '').replaceAll('/', '-')}.js`;
    imports[name] = path;
    vendor.push([path, withoutSourceMap(readText(import.meta.resolve(specifier)))]);
  }
  return {
    pages: {
      dashboard: readText(new URL('index.html', own)),
      signIn: readText(new URL('sign-in.html', own)),
    },
    assets: Object.fromEntries([
      ...folder('/assets/admin/dashboard/', own),
      ...folder('/assets/board/', new URL('../board/', import.meta.url)),
      ...vendor,
      ['/assets/vendor/uplot.css', readText(import.meta.resolve('uplot/dist/uPlot.min.css'))],
    ]),
    imports,
  };
};

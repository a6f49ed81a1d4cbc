import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the project. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A page of the documentation. */
export interface Page {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(root, path), 'utf8') });

/** Every page: those at the root, and all below `docs/` and `deploy/`. */
export const readPages = (): Page[] => {
  const below = ['docs', 'deploy'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  return [...readdirSync(root), ...below].filter((path) => path.endsWith('.md')).map(readPage);
};

/** The blocks of code in this language. */
export const blocksOf = (page: Page, language: string): string[] =>
  [...page.text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, of]) => of === language)
    .map(([, , code = '']) => code);

/** A page's text without its blocks of code. */
const proseOf = ({ text }: Page): string => text.replace(/^\s*```[\s\S]*?^\s*```$/gm, '');

/** The targets of a page's links that are not addresses. */
const linksOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

/** The part of an address that a heading gets, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** The anchors of a page's headings. */
export const anchorsOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Links of a page that lead nowhere. */
export const deadLinksOf = (page: Page): string[] =>
  linksOf(page).filter((target) => {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page.path : join(dirname(page.path), file);
    if (!existsSync(join(root, path))) return true;
    return anchor !== undefined && !anchorsOf(readPage(path)).includes(anchor);
  });

/** Files and folders of ours that a page names as code and that do not exist. */
export const missingFilesOf = (page: Page): string[] =>
  [...page.text.matchAll(/(?<![\w./])(?:src|test|bin|deploy|docs)\/[\w./-]*\w/g)]
    .map(([path]) => path)
    .filter((path) => !existsSync(join(root, path)));

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

/** One import or re-export in a source file. */
export interface Import {
  /** As it is written: a package, `node:…`, or a relative path. */
  readonly specifier: string;
  /** True when it is gone at run time. `import { type A }` is not: it still loads the file. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** From the root of the tree, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

const isModule = (path: string): boolean => path.endsWith('.ts') || path.endsWith('.js');

/** Every module below `root`. */
export function readTree(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(isModule)
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
      return { path: path.split(sep).join('/'), lines, imports: importsOf(text) };
    });
}

const comment = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const declaration = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const call = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g;

/** The imports in a module's text. Relies on formatted code: a declaration begins its line. */
export function importsOf(text: string): Import[] {
  const code = text.replace(comment, '');
  const imports: Import[] = [];
  for (const [, type, specifier = ''] of code.matchAll(declaration)) {
    imports.push({ specifier, isTypeOnly: type !== undefined });
  }
  for (const [, specifier = ''] of code.matchAll(call)) imports.push({ specifier, isTypeOnly: false });
  return imports;
}

/** The source file that a relative import names; null for packages, `node:` modules and data such as package.json. */
export function targetOf(from: SourceFile, { specifier }: Import): string | null {
  if (!specifier.startsWith('.') || !isModule(specifier)) return null;
  return normalize(join(dirname(from.path), specifier))
    .split(sep)
    .join('/');
}

/** The folder that a file stands in, the first one on its path; a file at the root is its own. */
export function folderOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

/** Circles of imports, each as the files on the way round. Types count: files that need each other are one file. */
export function cyclesIn(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) cycles.push([...trail.slice(seenAt), path]);
    const file = byPath.get(path);
    if (seenAt >= 0 || file === undefined || done.has(path)) return;
    for (const each of file.imports) {
      const target = targetOf(file, each);
      if (target !== null) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  return cycles;
}

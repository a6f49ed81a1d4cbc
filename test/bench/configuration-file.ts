import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often the lines between `#each-route` and `#end` of a configuration stand in it, with `${N}` from 0. */
const ROUTES = 1000;

/** A file of `peers/` filled in: `${NAME}` stands for each value. */
export function fillIn(template: string, values: Readonly<Record<string, string | number>>): string {
  const repeated = template.replaceAll(
    /^[ \t]*#each-route\n((?:.*\n)*?)^[ \t]*#end\n/gm,
    (_, lines: string) =>
      Array.from({ length: ROUTES }, (_, n) => lines.replaceAll(/\$\{N\}/g, String(n))).join(''),
  );
  return repeated.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`nothing stands for ${key}`);
    return String(value);
  });
}

/** Writes the configuration of this name, filled in, into a directory; gives its path. */
export function writeConfiguration(
  name: string,
  directory: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const template = readFileSync(new URL(`./peers/${name}`, import.meta.url), 'utf8');
  const file = join(directory, name);
  writeFileSync(file, fillIn(template, values));
  return file;
}

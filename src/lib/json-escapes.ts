const escapeOf = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Replaces, in the text of a JSON value, what `pattern` (global, single code units) finds by its escape, which means the
 * same. Nearly always there is nothing: then looking is all, which costs less than replacing nothing.
 */
export const escapeIn = (json: string, pattern: RegExp): string =>
  json.search(pattern) < 0 ? json : json.replace(pattern, escapeOf);

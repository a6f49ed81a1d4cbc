const escapeOf = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Replaces, in the text of a JSON value, what `pattern` (global, single code units) finds by its escape, which means the
 * same. Nearly always there is nothing: then looking is all, which costs less than replacing nothing.
 */
export const escapeIn = (json: string, pattern: RegExp): string =>
  json.search(pattern) < 0 ? json : json.replace(pattern, escapeOf);

/**
 * Controls that JSON leaves as they are: DEL, C1 (which some terminals obey) and the Unicode line ends. They can only
 * stand inside strings, where the escape means the same.
 */
export const rawControls = /[\u007f-\u009f\u2028\u2029]/g;

/** All of printable ASCII but `"` and `\`: what stands in a JSON string as it is. */
const plain = /^[ !#-[\]-~]*$/;

/**
 * A text as a JSON string, in which what `escaped` finds is escaped beside what JSON wants. Nearly every text is plain:
 * it goes between quotes, which is much less than what `JSON.stringify` does for a text that was cut out of another.
 */
export const jsonString = (text: string, escaped: RegExp): string =>
  plain.test(text) ? `"${text}"` : escapeIn(JSON.stringify(text), escaped);

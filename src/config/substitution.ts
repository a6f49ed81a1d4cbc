/** What became of a text with references to the environment. */
export type Substitution =
  | { readonly kind: 'unchanged' }
  /** Nothing was put in: `text` only has `${` for each `$${`. */
  | { readonly kind: 'unescaped'; readonly text: string }
  | { readonly kind: 'changed'; readonly text: string }
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string };

export type Environment = Readonly<Record<string, string | undefined>>;

const malformed: Substitution = {
  kind: 'refused',
  message: 'is not a valid reference to the environment',
  hint: `write \${NAME} or \${NAME:-default}; a plain \${ is written $\${`,
};

const reference = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (the default also stands in for an empty variable, as in a shell). `$${`
 * stands for a plain `${`. It works on values that were parsed already, so no variable can bring in structure, and what
 * was put in is not looked at again.
 */
export const substitute = (text: string, env: Environment): Substitution => {
  const missing: string[] = [];
  let result = '';
  let done = 0;
  let hasReference = false;
  // A search for each part by itself: one expression for all of it would take quadratic time on `${A:-${A:-${A:-`.
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', done)) {
    if (start > done && text[start - 1] === '$') {
      result += `${text.slice(done, start - 1)}\${`;
      done = start + 2;
      continue;
    }
    const end = text.indexOf('}', start);
    const match = end === -1 ? null : reference.exec(text.slice(start + 2, end));
    if (match === null || match[2]?.includes('${')) return malformed;
    const [, name, fallback] = match as unknown as [string, string, string | undefined];
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined && fallback === undefined) missing.push(name);
    const isFallback = value === undefined || (value === '' && fallback !== undefined);
    result += text.slice(done, start) + (isFallback ? (fallback ?? '') : value);
    done = end + 1;
    hasReference = true;
  }
  if (missing.length > 0) {
    const message = `the environment variable ${missing.join(', ')} is not set`;
    return { kind: 'refused', message, hint: `set it, or write \${${missing[0]}:-default}` };
  }
  if (done === 0) return { kind: 'unchanged' };
  return { kind: hasReference ? 'changed' : 'unescaped', text: result + text.slice(done) };
};

/** `text` as a file must have it, so that every `${` in it stays what it is. */
export const escapeReferences = (text: string): string => text.replaceAll('${', '$$$${');

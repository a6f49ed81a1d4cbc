/** What became of a text with references to the environment. */
export type Substitution =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly text: string }
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string };

export type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (the default also stands in for an empty variable, as in a shell). `$${`
 * stands for a plain `${`. It works on values that were parsed already, so no variable can bring in structure, and what
 * was put in is not looked at again.
 */
export const substitute = (text: string, env: Environment): Substitution => {
  if (!text.includes('${')) return { kind: 'unchanged' };
  const missing: string[] = [];
  let isMalformed = false;
  const result = text.replace(reference, (whole: string, name?: string, fallback?: string) => {
    if (whole === '$${') return '${';
    if (name === undefined) {
      isMalformed = true;
      return '';
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  if (isMalformed) {
    const hint = `write \${NAME} or \${NAME:-default}; a plain \${ is written $\${`;
    return { kind: 'refused', message: 'is not a valid reference to the environment', hint };
  }
  if (missing.length > 0) {
    const message = `the environment variable ${missing.join(', ')} is not set`;
    return { kind: 'refused', message, hint: `set it, or write \${${missing[0]}:-default}` };
  }
  return { kind: 'changed', text: result };
};

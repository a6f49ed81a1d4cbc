import { type Document, Lexer, type Node, parseDocument } from 'yaml';
import { ManifestError } from './complaint.ts';

/** Why a text is no document, and where in it. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** The parser recurses, and needs seconds to fail on a million brackets. */
const maxNesting = 200;

/** Where brackets nest too deeply; null: nowhere. */
const findExcess = (text: string): number | null => {
  let offset = 0;
  let depth = 0;
  let dashes = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    else if (token === '-' || token === '?') dashes += 1;
    else if (token.endsWith('\n')) dashes = 0;
    if (depth > maxNesting || dashes > maxNesting) return offset;
    // The lexer marks starts and ends with characters that the text does not have.
    if (token !== '\u0002' && token !== '\u001f' && token !== '\u0018') offset += token.length;
  }
  return null;
};

const lineAround = (text: string, offset: number): string =>
  text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0]!;

/** Reads one document (JSON is one too) as Kubernetes does, merge keys included, with its places in the text. */
export const parseManifest = (text: string): Document | TextProblem => {
  const excess = findExcess(text);
  if (excess !== null) return { offset: excess, message: 'is nested too deeply', hint: '' };
  const document = parseDocument(text, {
    keepSourceTokens: true,
    merge: true,
    stringKeys: true,
    // The parser's own search takes quadratic time.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error === undefined) return document;
  const offset = error.pos[0];
  if (error.code === 'RESOURCE_EXHAUSTION') return { offset, message: 'is nested too deeply', hint: '' };
  const message =
    error.code === 'NON_STRING_KEY'
      ? 'has a key that is no text'
      : error.message.charAt(0).toLowerCase() + error.message.slice(1);
  const isTemplate = lineAround(text, offset).includes('{{');
  return { offset, message, hint: isTemplate ? 'render templates first: this reads manifests' : '' };
};

/** Aliases within aliases may stand for any number of values. */
const maxAliasCount = 10_000;

/** What a node of a document says, as data; for null, what the document says. */
export const dataOf = (document: Document, node: Node | null): unknown => {
  try {
    return node === null ? document.toJS({ maxAliasCount }) : node.toJS(document, { maxAliasCount });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new ManifestError(node?.range?.[0] ?? 0, 'has an alias of nothing, or too many');
  }
};

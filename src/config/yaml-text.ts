import { type Document, Lexer, LineCounter, parseDocument } from 'yaml';
import { fileProblem, type Location, type Problem } from './problem.ts';

/** A document without syntax errors, and how to find a place in it. */
export interface YamlText {
  readonly document: Document;
  readonly locate: (offset: number) => Location;
}

/** How deep brackets and `- - -` may nest. The parser recurses, and needs seconds to fail on a million brackets. */
const maxNesting = 64;
/** A thousand routes, each with policies of its own, are fewer; the parser needs a third of a second for this many. */
const maxTokens = 120_000;
/** Each stands for a block that many share. */
const maxAliases = 5000;

/** The lexer marks the start of a document, of a plain text and the end of a flow: characters that the text does not have. */
const lexerMarks: ReadonlySet<string> = new Set(['\u0002', '\u001f', '\u0018']);

/** Characters that YAML does not have (section 5.1 of its specification). */
const noText = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]/;

/** What is not worth parsing, and where. Only tokens are looked at, so brackets within texts do not count. */
const findExcess = (text: string): { readonly offset: number; readonly message: string } | null => {
  const strange = noText.exec(text);
  if (strange !== null) {
    const code = text.charCodeAt(strange.index).toString(16).padStart(4, '0').toUpperCase();
    return { offset: strange.index, message: `has a character that is no text (U+${code})` };
  }
  let offset = 0;
  let tokens = 0;
  let flowDepth = 0;
  let indicators = 0;
  let aliases = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === '[' || token === '{') flowDepth += 1;
    else if (token === ']' || token === '}') flowDepth -= 1;
    else if (flowDepth === 0 && (token === '-' || token === '?')) indicators += 1;
    else if (token.endsWith('\n')) indicators = 0;
    if (flowDepth > maxNesting || indicators > maxNesting) return { offset, message: 'is nested too deeply' };
    if (token.startsWith('*') && token.length > 1) aliases += 1;
    if (aliases > maxAliases) return { offset, message: 'has too many aliases' };
    if (tokens > maxTokens) return { offset, message: 'is too much for a configuration' };
    if (!lexerMarks.has(token)) offset += token.length;
  }
  return null;
};

/** More than this many syntax errors tell nobody anything. */
const maxSyntaxProblems = 20;

// Between braces, YAML takes the brace of a bare reference for its own.
const referenceHint = `within { } and [ ], put \${NAME} in quotes`;

const lineOf = (text: string, offset: number): string =>
  text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0]!;

/**
 * Reads one YAML 1.2 document (JSON is one too) with the core schema: no merge keys, no tags of applications. Duplicate
 * keys are left to the caller, because the parser's own search for them takes quadratic time.
 */
export const parseYaml = (text: string, file: string): YamlText | Problem[] => {
  const lines = new LineCounter();
  const locate = (offset: number): Location => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const excess = findExcess(text);
  if (excess !== null) {
    const before = text.slice(0, excess.offset);
    const column = excess.offset - before.lastIndexOf('\n');
    // Text in UTF-16 without a mark is UTF-8 with a NUL after each letter.
    const hint = excess.message.includes('U+0000') ? 'save it as UTF-8' : '';
    return [fileProblem(file, excess.message, hint, before.split('\n').length, column)];
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const complaints = [...document.errors, ...document.warnings];
  if (complaints.length > 0) {
    return complaints.slice(0, maxSyntaxProblems).map((complaint) => {
      const { line, column } = locate(complaint.pos[0]);
      // The parser's own stack ran out.
      const isTooDeep = complaint.code === 'RESOURCE_EXHAUSTION';
      if (isTooDeep) return fileProblem(file, 'is nested too deeply', '', line, column);
      const message = complaint.message.charAt(0).toLowerCase() + complaint.message.slice(1);
      const isReference = lineOf(text, complaint.pos[0]).includes('${');
      return fileProblem(file, message, isReference ? referenceHint : '', line, column);
    });
  }
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    return [fileProblem(file, 'is not YAML 1.2', 'remove the %YAML line', 1, 1)];
  }
  return { document, locate };
};

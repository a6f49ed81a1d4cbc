/** One document of a stream, with the marker that begins it and all that follows up to the next one. */
export interface StreamPart {
  /** Of its first character, in the stream. */
  readonly offset: number;
  readonly text: string;
}

/** A line that ends a document or begins one. Nothing else may look like it, not even within a block of text. */
const marker = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)[^\n]*\n?/gm;
/** Comments, directives and blank lines belong to the document after them. */
const prologue = /^(?:[ \t]*(?:#[^\n]*)?(?:\r?\n|$)|%[^\n]*(?:\n|$))*$/;

/** A stream in its documents; put together again they are the stream, byte for byte. */
export const splitStream = (text: string): StreamPart[] => {
  const parts: StreamPart[] = [];
  let start = 0;
  const cutAt = (end: number): void => {
    if (end > start) parts.push({ offset: start, text: text.slice(start, end) });
    start = end;
  };
  for (const match of text.matchAll(marker)) {
    if (match[0].startsWith('.')) cutAt(match.index + match[0].length);
    else if (!prologue.test(text.slice(start, match.index).replace(/^\ufeff/, ''))) cutAt(match.index);
  }
  cutAt(text.length);
  return parts;
};

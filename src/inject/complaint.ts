/** Something about a manifest, at a place in the input; a warning, or what keeps it from being injected. */
export interface Complaint {
  /** From the start of the input. */
  readonly offset: number;
  readonly isWarning: boolean;
  /** Where in words: `Deployment shop/web`; empty where nothing is known of the document. */
  readonly subject: string;
  readonly message: string;
  /** What to do; may be empty. */
  readonly hint: string;
}

/** Line and column of an offset, both from 1. */
export const placeOf = (text: string, offset: number): { readonly line: number; readonly column: number } => {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line += 1;
  return { line, column: offset - start + 1 };
};

/** One line for people: `stdin:12:5: Deployment web: what is wrong (what to do)`. */
export const formatComplaint = (complaint: Complaint, text: string): string => {
  const { line, column } = placeOf(text, complaint.offset);
  const subject = complaint.subject === '' ? '' : `${complaint.subject}: `;
  const hint = complaint.hint === '' ? '' : ` (${complaint.hint})`;
  return `stdin:${line}:${column}: ${complaint.isWarning ? 'warning: ' : ''}${subject}${complaint.message}${hint}`;
};

/** Ends the work on a manifest: what is wrong, where, and what to do. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  /** From the start of the document. */
  readonly offset: number;
  readonly hint: string;

  constructor(offset: number, message: string, hint = '') {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

/** For what is written in a way whose place in the text cannot be told. */
export const cannotEdit = (offset: number): ManifestError =>
  new ManifestError(
    offset,
    'is written in a way that cannot be edited',
    'write each key in a line of its own',
  );

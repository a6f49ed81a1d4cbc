/**
 * Calls `member` for each member of a comma-separated list without quoted strings (RFC 9110 section 5.6.1), trimmed.
 * Empty members are passed as empty strings, so that the caller can refuse them.
 */
export const eachMember = (value: string, member: (text: string) => void): void => {
  let from = 0;
  for (;;) {
    const comma = value.indexOf(',', from);
    const to = comma < 0 ? value.length : comma;
    member(value.slice(from, to).trim());
    if (comma < 0) return;
    from = comma + 1;
  }
};

/** What a message's Connection fields say (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Names in lower case of the fields that belong to this connection alone, beside those that always do. */
  nominated: string[];
}

export const noConnectionOptions = (): ConnectionOptions => ({
  close: false,
  keepAlive: false,
  upgrade: false,
  nominated: [],
});

/** Adds the options of one Connection field. False where a member is no token. */
export const addConnectionOptions = (value: string, options: ConnectionOptions): boolean => {
  if (value === 'close') options.close = true;
  else if (value === 'keep-alive') options.keepAlive = true;
  else return addMembers(value, options);
  return true;
};

/** Nobody means more; each of them is looked for among all fields of the message. */
const MAX_NOMINATED = 32;

const addMembers = (value: string, options: ConnectionOptions): boolean => {
  let isWellFormed = true;
  eachMember(value, (text) => {
    const name = text.toLowerCase();
    if (name === 'close') options.close = true;
    else if (name === 'keep-alive') options.keepAlive = true;
    else if (name === 'upgrade') options.upgrade = true;
    else if (name === '') return;
    else if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && options.nominated.length < MAX_NOMINATED)
      options.nominated.push(name);
    else isWellFormed = false;
  });
  return isWellFormed;
};

const MAX_LENGTH_DIGITS = 15;

/** The number that a Content-Length writes; -1 for anything but up to 15 digits after leading zeros. */
export const parseLength = (text: string): number => {
  let from = 0;
  while (from < text.length - 1 && text.charCodeAt(from) === 0x30) from += 1;
  if (text.length === 0 || text.length - from > MAX_LENGTH_DIGITS) return -1;
  let length = 0;
  for (let i = from; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
};

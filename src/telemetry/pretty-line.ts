/** Fields that have a place of their own in the line, or say nothing to a person. */
const hidden = new Set(['level', 'time', 'msg', 'event']);

/** A value as a person reads it: bare where that is unambiguous, else as JSON, which escapes what could break a line. */
const formatValue = (value: unknown): string => {
  if (typeof value === 'string' && /^[\w.:/@*-]+$/.test(value)) return value;
  return JSON.stringify(value);
};

/**
 * A JSON log line as a line for people: time of day, level, message, then `key=value` for what is not empty. What is
 * not a JSON object is returned as it is.
 */
export const prettyLine = (json: string): string => {
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeof fields !== 'object' || fields === null) return json;
  const record = new Map<string, unknown>(Object.entries(fields));
  const time = String(record.get('time')).slice(11, 23);
  const level = String(record.get('level')).toUpperCase().padEnd(5);
  const message = JSON.stringify(String(record.get('msg') ?? '')).slice(1, -1);
  let line = `${time} ${level} ${message}`;
  for (const [key, value] of record) {
    if (hidden.has(key) || value === '' || value === null || value === -1 || value === false) continue;
    line += ` ${key}=${formatValue(value)}`;
  }
  return `${line}\n`;
};

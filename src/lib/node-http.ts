/**
 * `node:http`, fetched without an import statement. An import would evaluate every export of that module, and one of
 * them (`WebSocket`) loads the whole of undici: 54 ms and several megabytes at each start, for nothing.
 */
export const http = process.getBuiltinModule('node:http');

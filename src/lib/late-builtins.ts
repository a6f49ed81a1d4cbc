/**
 * Modules of Node that a start can do without, each loaded when somebody first calls for it. An import statement would
 * load them for everybody, and the forty of Node's own modules that these are made of.
 */

/** For TLS to an upstream, once one is configured: it brings `node:crypto` along. */
export const tls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');

/** For tokens and sessions of the admin interface, entity tags of the dashboard, and certificates. */
export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

/** For the dashboard, when a browser asks for it. */
export const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

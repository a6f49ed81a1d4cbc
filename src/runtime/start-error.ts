/** Why the sidecar could not start; the message is one line that says what to do. */
export type StartErrorCode =
  | 'address_in_use'
  | 'address_not_permitted'
  | 'address_not_available'
  | 'admin'
  | 'ending'
  | 'listen_failed';

export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
    this.code = code;
  }
}

/** What the system said about an address, with the setting that moves it. */
export const listenError = (error: unknown, address: string, remedy: string): StartError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(
        'address_in_use',
        `${address} is in use: choose another address with ${remedy}`,
        error,
      );
    case 'EACCES':
      return new StartError(
        'address_not_permitted',
        `${address} needs rights that this process lacks: choose a port above 1023 with ${remedy}`,
        error,
      );
    case 'EADDRNOTAVAIL':
      return new StartError(
        'address_not_available',
        `${address} is not an address of this machine: change ${remedy}`,
        error,
      );
    default:
      return new StartError(
        'listen_failed',
        `cannot listen on ${address} (${code}): change ${remedy}`,
        error,
      );
  }
};

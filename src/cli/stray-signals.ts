/** Where signals come from: the process. */
export interface StraySignalSource {
  on(signal: 'SIGUSR1' | 'SIGUSR2', listener: () => void): unknown;
}

/**
 * Makes signals mean nothing that others send out of habit, to have logs opened anew for example. Without a listener the
 * runtime would open a debugger's port on SIGUSR1, and the system end the process on SIGUSR2.
 */
export const ignoreStraySignals = (source: StraySignalSource): void => {
  source.on('SIGUSR1', () => {});
  source.on('SIGUSR2', () => {});
};

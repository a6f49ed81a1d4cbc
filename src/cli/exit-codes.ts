/** What the process ends with; the numbers are those of sysexits(3) where it has one. */
export const exitCodes = {
  fine: 0,
  /** Something went wrong while running, or the end was forced. */
  failed: 1,
  /** EX_USAGE: the command line is wrong. */
  usage: 64,
  /** EX_CONFIG: the configuration is wrong. */
  config: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

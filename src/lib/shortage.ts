/** True for an error that says that this process, or its machine, has no descriptor left: the same may go well later. */
export const isShortOfDescriptors = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

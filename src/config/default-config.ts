/**
 * What is in force without a configuration file: the proxy works for every destination, with the default policies. A
 * file of one's own starts from `unlisted: deny`.
 */
export const defaultConfig = `egress:
  unlisted: allow
`;

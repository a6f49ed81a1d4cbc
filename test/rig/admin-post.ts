import type { RigAddress } from './owner.ts';

/** Asks the admin interface for a change, as a script does. */
export const postAdmin = async (
  { host, port }: RigAddress,
  path: string,
  body: unknown = {},
): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`http://${host}:${port}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};

import type { Socket } from 'node:net';

/**
 * Breaks a connection off so that the other side sees it. Only TCP knows a reset: a unix socket, or one with TLS over
 * it, is closed. The runtime cannot reset a socket whose half is being ended at this moment: it would lose sight of it,
 * and the descriptor would stay open for ever.
 */
export const resetSocket = (socket: Socket): void => {
  if (socket.remoteFamily === undefined || 'encrypted' in socket) socket.destroy();
  else if (isEnding(socket)) socket.once('finish', () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
};

/** True from when all is written until the system has been told that this is the end. */
const isEnding = ({ writableEnded, writableFinished, writableLength }: Socket): boolean =>
  writableEnded && !writableFinished && writableLength === 0;

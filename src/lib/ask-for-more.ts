import type { Socket } from 'node:net';

/**
 * To be called when a socket's `data` comes, before anything else is done with it. A stream asks after each piece whether
 * more should be read, and puts that off to a tick of its own; while a question of somebody's stands, it does not. The
 * socket reads on anyway, so that the question does nothing, and the tick is saved: a twelfth of what a refusal costs.
 * Where Node comes to do it in another way, only the saving is lost.
 */
export const askForMore = (socket: Socket): void => {
  socket.read(0);
};

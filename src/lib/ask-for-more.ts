import type { Socket } from 'node:net';

/**
 * To be called when a socket's `data` comes, before anything else is done with it. A stream asks after each piece
 * whether more should be read, and puts that off to a tick of its own; where somebody has asked already, it does not.
 * The answer is the same, and the tick is saved: a twelfth of what a refusal costs.
 */
export const askForMore = (socket: Socket): void => {
  socket.read(0);
};

/** The error of the client of the control socket. It has a file of its own: commands that use no server do not load the client. */

/** The control socket cannot be used; the text says why. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/**
 * What happens when the standard output or error output cannot be written. Without a listener Node.js would end the
 * process with a stack trace, in the middle of what it does.
 */

/**
 * The reader of `dyndns history | head` closes the pipe early, which is no failure: the command goes on without output. A
 * full disk is one: the exit code is 1.
 */
export function catchOutputErrors(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || process.exitCode === 1) return;
    process.exitCode = 1;
    process.stderr.write(`ERROR: The standard output cannot be written (${error.code}).\n`);
  });
}

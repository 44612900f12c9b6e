/** The one error class for a server, or a part that a command opens, that could not start. Its message is for the operator. */

/** What could not be opened. */
export type StartProblem = 'listen' | 'locked' | 'database' | 'zone' | 'certificate';

/** The message says what is wrong and, where we know it, what to do. `cause` is the error of the part itself. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly problem: StartProblem;

  constructor(problem: StartProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Converts the errors of a part at the server's edge. Any other error is returned as it is.
 * @param problems the part's error classes; subclasses before the classes that they extend
 */
export function asStartError(cause: unknown, problems: readonly (readonly [ErrorClass, StartProblem])[]): unknown {
  for (const [errorClass, problem] of problems) {
    if (cause instanceof errorClass) return new StartError(problem, cause.message, { cause });
  }
  return cause;
}

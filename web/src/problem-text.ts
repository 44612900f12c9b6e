/** An error in a user's words: what happened, and what to do. */
import { Problem } from './api.ts';
import { duration } from './clock.ts';
import { texts } from './texts.ts';

export interface ProblemText {
  readonly title: string;
  readonly text: string;
  /** Finds the request in the server's log. */
  readonly requestId?: string | undefined;
  /** The same request may succeed later. */
  readonly mayRetry: boolean;
}

export function problemText(error: unknown): ProblemText {
  if (!(error instanceof Problem)) {
    return {
      title: texts.problems.page.title,
      text: String(error instanceof Error ? error.message : error),
      mayRetry: true,
    };
  }
  const { status, code, document } = error;
  const { title = '', detail = '', requestId, retryAfterSeconds } = document;
  const mayRetry = status === 0 || status === 429 || status >= 500;
  if (status === 0) return { ...texts.problems.noReply, mayRetry };
  if (status === 412) return { ...texts.problems.changedMeanwhile, mayRetry: false };
  if (code === 'internal') return { ...texts.problems.internal, requestId, mayRetry };
  const wait = retryAfterSeconds === undefined ? '' : ` ${texts.problems.wait(duration(retryAfterSeconds))}`;
  const known: Partial<Record<string, string>> = texts.problems.titles;
  return {
    title: known[code] ?? (title || texts.problems.unknown),
    text: (detail || texts.problems.status(status)) + wait,
    ...(status >= 500 && { requestId }),
    mayRetry,
  };
}

/** The error, unless one of these fields of a form shows it. */
export function otherError(error: unknown, ...fields: readonly string[]): unknown {
  return fields.some((field) => fieldError(error, field) !== undefined) ? undefined : error;
}

/** What is wrong with a field of a form, if the error is about it. @param field its name in the body */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const found = error.document.errors?.find(
    ({ pointer, parameter }) => parameter === field || pointer === `/${field}` || pointer?.startsWith(`/${field}/`),
  );
  return found?.detail;
}

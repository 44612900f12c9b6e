/** Errors of a step. */
import { Problem } from '../../api.ts';

/** The fields of the form show it. */
export function hasFieldErrors(error: unknown): boolean {
  return error instanceof Problem && (error.document.errors?.length ?? 0) > 0;
}

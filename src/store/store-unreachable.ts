/** The error of every store that does not answer, is full or is overloaded. The cause goes to the log only. */
import { AppError } from '../core/errors.ts';

export function storeUnreachable(cause?: unknown): AppError {
  return new AppError('store-unreachable', 'The store does not answer. Please try again later.', { cause });
}

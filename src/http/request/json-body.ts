/** Reads a JSON body. Clients send it as JSON, or with the content type of a form, which is curl's default. */
import { AppError } from '../../core/errors.ts';

/** @throws AppError request-malformed where it is not a JSON object */
export function readJsonObject(body: string | undefined): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body ?? '');
  } catch {
    throw new AppError('request-malformed', 'The body is not valid JSON.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AppError('request-malformed', 'The body is not a JSON object.');
}

/** A text of the object; absent or null: undefined. @throws AppError request-malformed for another type */
export function textField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new AppError('request-malformed', `"${name}" must be a text.`);
}

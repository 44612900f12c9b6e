/** A body of JSON as fields: clients send it as JSON, or under the name of a form as curl does by itself. */
import { AppError } from '../../core/errors.ts';

/** @throws AppError request-malformed where it is no JSON object */
export function readJsonObject(body: string | undefined): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body ?? '');
  } catch {
    throw new AppError('request-malformed', 'The body is no JSON.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AppError('request-malformed', 'The body is no JSON object.');
}

/** A text of the object; absent or null: undefined. @throws AppError request-malformed for another type */
export function textField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new AppError('request-malformed', `"${name}" must be a text.`);
}

/** The message of whatever was thrown. src/core/errors.ts passes it on to the rooms that import little of this folder. */

/** The message of an Error, else the value as text. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

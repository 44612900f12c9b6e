/** Cursors of lists: where the next page begins, as a text that has no other meaning. */
import { DomainName } from '../../dns/name.ts';
import { type InputError, invalidField } from '../errors.ts';

export function writeCursor(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @param parts the number of texts @throws InputError */
export function readCursor(cursor: string | undefined, parts: number): readonly string[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(place) && place.length === parts && place.every((part) => typeof part === 'string')) return place;
  } catch {
    // Reported below.
  }
  throw invalidCursor();
}

/** A name in a cursor. @throws InputError */
export function readCursorName(text: string): DomainName {
  try {
    return DomainName.parse(text);
  } catch {
    throw invalidCursor();
  }
}

export function invalidCursor(): InputError {
  return invalidField('/cursor', "'cursor' must be the `next` of a reply.");
}

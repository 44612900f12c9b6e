/** Excerpts of untrusted input for error messages. */

const MAX_CHARACTERS = 100;

/** The first 100 characters of the text; control and format characters, which could steer a terminal, become `?`. */
export function excerpt(text: string): string {
  const characters = [...text.slice(0, MAX_CHARACTERS * 2 + 2)];
  const clean = characters
    .slice(0, MAX_CHARACTERS)
    .join('')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
  return characters.length > MAX_CHARACTERS ? `${clean}…` : clean;
}

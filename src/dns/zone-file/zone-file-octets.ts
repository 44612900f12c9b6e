/**
 * The text of a zone file from its octets (RFC 1035 §5.1: a file of octets, of which those above 127 have no meaning of
 * their own). UTF-8 is read as such, so that messages show it; in any other file, such as one in latin-1, each octet above
 * 127 is read as an escape `\DDD`. Both give names and texts with exactly the octets of the file, as BIND has them.
 */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function zoneFileText(octets: Uint8Array): string {
  try {
    return UTF8.decode(octets);
  } catch {
    const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
    // A backslash before such an octet escapes the octet itself.
    return text.replace(/\\[\s\S]|[\x80-\xff]/g, (match) => {
      const code = match.charCodeAt(match.length - 1);
      return code < 0x80 ? match : `\\${code}`;
    });
  }
}

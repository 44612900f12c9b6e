/**
 * Form fields of a multipart/form-data body (RFC 7578), as a few clients send it. The whole body is in memory and bounded
 * by the caller. Not done: files (left out), other charsets than UTF-8, nested bodies and transfer encodings.
 */

const MAX_PARTS = 100;

/** A body that is not what its Content-Type says. */
export class MultipartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MultipartError';
  }
}

/** The boundary of a Content-Type (RFC 2046 §5.1.1); undefined where there is none that is allowed. */
export function multipartBoundary(contentType: string): string | undefined {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  return boundary !== undefined && /^[0-9A-Za-z'()+_,./:=? -]*[0-9A-Za-z'()+_,./:=?-]$/.test(boundary)
    ? boundary
    : undefined;
}

/**
 * Fields by name, in their order; of a name that stands several times a list.
 * @throws MultipartError
 */
export function parseMultipart(body: Buffer, boundary: string): Record<string, string | string[]> {
  const fields = Object.create(null) as Record<string, string | string[]>;
  const delimiter = `--${boundary}`;
  // As octets: a position in the text is a position in the body.
  const text = body.toString('latin1');
  let at = text.startsWith(delimiter) ? 0 : text.indexOf(`\r\n${delimiter}`) + 2;
  if (at === 1) throw new MultipartError('no part begins');
  for (let parts = 0; ; parts++) {
    at += delimiter.length;
    if (text.startsWith('--', at)) return fields;
    const lineEnd = /^[ \t]*\r\n/.exec(text.slice(at, at + 80));
    if (lineEnd === null) throw new MultipartError('the line of a boundary has more in it');
    if (parts === MAX_PARTS) throw new MultipartError('too many parts');
    at += lineEnd[0].length;
    const end = text.indexOf(`\r\n${delimiter}`, at);
    // A part without headers begins with the empty line itself.
    const headEnd = text.startsWith('\r\n', at) ? at - 2 : text.indexOf('\r\n\r\n', at);
    if (end < 0) throw new MultipartError('the last part has no end');
    if (headEnd < at || headEnd + 4 > end + 2) throw new MultipartError('a part has no headers');
    const disposition = readDisposition(body.toString('utf8', at, headEnd));
    const value = body.toString('utf8', Math.min(headEnd + 4, end), end);
    if (!disposition.isFile) addField(fields, disposition.name, value);
    at = end + 2;
  }
}

function addField(fields: Record<string, string | string[]>, name: string, value: string): void {
  const known = fields[name];
  if (known === undefined) fields[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else fields[name] = [known, value];
}

/** @throws MultipartError */
function readDisposition(head: string): { readonly name: string; readonly isFile: boolean } {
  const line = head.split('\r\n').find((header) => /^content-disposition[ \t]*:/i.test(header));
  const value = line === undefined ? '' : line.slice(line.indexOf(':') + 1);
  const name = /^\s*form-data\s*;(?:.*;)?\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(value);
  if (name === null) throw new MultipartError('a part is no form field');
  // RFC 7578 §4.2 has `"` in a name as %22.
  return { name: (name[1] ?? name[2] ?? '').replaceAll('%22', '"'), isFile: /;\s*filename\*?=/i.test(value) };
}

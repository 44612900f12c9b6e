/**
 * Form fields of a multipart/form-data body (RFC 7578), which a few clients send. The caller bounds the body, which is in
 * memory as a whole. Not done: files (ignored), charsets other than UTF-8, nested bodies and transfer encodings.
 */
import { readHeaderValue } from './header-parameters.ts';

const MAX_PARTS = 100;

/** The body does not match its Content-Type. */
export class MultipartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MultipartError';
  }
}

/** The boundary of a Content-Type (RFC 2046 §5.1.1); undefined where it is missing or not allowed. */
export function multipartBoundary(contentType: string): string | undefined {
  const boundary = readHeaderValue(contentType).parameters.get('boundary');
  return boundary !== undefined && /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/.test(boundary)
    ? boundary
    : undefined;
}

/**
 * Fields by name, in their order; a repeated name has a list of values.
 * @throws MultipartError
 */
export function parseMultipart(body: Buffer, boundary: string): Record<string, string | string[]> {
  const fields = Object.create(null) as Record<string, string | string[]>;
  const delimiter = `--${boundary}`;
  // One character per octet: a position in the text is a position in the body.
  const text = body.toString('latin1');
  let at = text.startsWith(delimiter) ? 0 : text.indexOf(`\r\n${delimiter}`) + 2;
  if (at === 1) throw new MultipartError('the body has no part');
  for (let parts = 0; ; parts++) {
    at += delimiter.length;
    if (text.startsWith('--', at)) return fields;
    const lineEnd = /^[ \t]*\r\n/.exec(text.slice(at, at + 80));
    if (lineEnd === null) throw new MultipartError('text follows a boundary');
    if (parts === MAX_PARTS) throw new MultipartError('too many parts');
    at += lineEnd[0].length;
    const end = text.indexOf(`\r\n${delimiter}`, at);
    // A part without headers begins with the empty line itself.
    const headEnd = text.startsWith('\r\n', at) ? at - 2 : text.indexOf('\r\n\r\n', at);
    if (end < 0) throw new MultipartError('the last part does not end');
    if (headEnd < at || headEnd + 4 > end + 2) throw new MultipartError('a part has no headers');
    const disposition = readDisposition(body.toString('utf8', at, headEnd));
    const value = body.toString('utf8', Math.min(headEnd + 4, end), end);
    if (!disposition.isFile) addField(fields, disposition.name, value);
    at = end + 2;
  }
}

function addField(fields: Record<string, string | string[]>, name: string, value: string): void {
  const previous = fields[name];
  if (previous === undefined) fields[name] = value;
  else if (Array.isArray(previous)) previous.push(value);
  else fields[name] = [previous, value];
}

/** @throws MultipartError */
function readDisposition(head: string): { readonly name: string; readonly isFile: boolean } {
  const line = head.split('\r\n').find((header) => /^content-disposition[ \t]*:/i.test(header));
  const { value, parameters } = readHeaderValue(line === undefined ? '' : line.slice(line.indexOf(':') + 1));
  const name = parameters.get('name');
  if (value !== 'form-data' || name === undefined) throw new MultipartError('a part is not a form field');
  const isFile = parameters.has('filename') || parameters.has('filename*');
  // A `"` in a name is sent as %22 (RFC 7578 §4.2).
  return { name: name.replaceAll('%22', '"'), isFile };
}

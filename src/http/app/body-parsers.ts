/**
 * How a request body is read: multipart/form-data, a form, or JSON. Clients label JSON as a form, as plain text or not at
 * all, so a body that begins with `{` is JSON under every Content-Type but multipart. What is neither a form nor empty is
 * JSON, too, and an error where it cannot be parsed: an unread body could hold the address to publish.
 */
import type { FastifyInstance } from 'fastify';
import { isBlank, jsonParameters, looksLikeJson, parseJson } from '../request/json-body.ts';
import { MultipartError, multipartBoundary, parseMultipart } from './multipart.ts';
import { parseParameters, type ReadBody } from './parameters.ts';

export const MAX_BODY_OCTETS = 64 * 1024;

export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    const text = body as string;
    done(null, looksLikeJson(text) ? readJson(text) : { kind: 'form', text, fields: parseParameters(text) });
  });
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    const text = body as string;
    done(null, isBlank(text) ? { kind: 'form', text: '', fields: NO_FIELDS } : readJson(text));
  });
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const boundary = multipartBoundary(request.headers['content-type'] ?? '');
      if (boundary === undefined) throw new MultipartError('no boundary');
      const fields = parseMultipart(body as Buffer, boundary);
      done(null, { kind: 'multipart', text: undefined, fields } satisfies ReadBody);
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
}

const NO_FIELDS = Object.freeze(Object.create(null)) as ReadBody['fields'];

function readJson(text: string): ReadBody {
  const { fields, problem } = parseJson(text);
  if (fields === undefined) return { kind: 'json', text, fields: NO_FIELDS, isObject: false, problem };
  const read = jsonParameters(fields);
  return { kind: 'json', text, fields: read.parameters, isObject: true, problem: problem ?? read.problem };
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether a Content-Type begins with a media type, whatever its parameters are (RFC 9110 §8.3.1). */
function hasMediaType(header: string): boolean {
  const semicolon = header.indexOf(';');
  const parts = (semicolon < 0 ? header : header.slice(0, semicolon)).trimEnd().split('/');
  return parts.length === 2 && parts.every((part) => TOKEN.test(part));
}

/** Fastify refuses a body whose Content-Type is malformed; ours is read whatever it is called. */
export function dropMalformedType(headers: { 'content-type'?: string | undefined }): void {
  const type = headers['content-type'];
  if (type !== undefined && !hasMediaType(type)) delete headers['content-type'];
}

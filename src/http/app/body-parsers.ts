/**
 * How a request body is read, by its Content-Type: a form, multipart/form-data, JSON as text (only a protocol parses it),
 * or a body without a type. Any other type is 415.
 */
import type { FastifyInstance } from 'fastify';
import { MultipartError, multipartBoundary, parseMultipart } from './multipart.ts';
import { parseParameters, type ReadBody } from './parameters.ts';

export const MAX_BODY_OCTETS = 64 * 1024;

export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, { text: body as string, fields: parseParameters(body as string) } satisfies ReadBody);
  });
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, { text: body as string, fields: undefined } satisfies ReadBody);
  });
  // Python's requests sends JSON without a type.
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    const isUntyped = request.headers['content-type'] === undefined;
    if (isUntyped) done(null, { text: body as string, fields: undefined } satisfies ReadBody);
    else done(Object.assign(new Error('a body of an unknown type'), { statusCode: 415 }));
  });
  app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const boundary = multipartBoundary(request.headers['content-type'] ?? '');
      if (boundary === undefined) throw new MultipartError('no boundary');
      done(null, { text: undefined, fields: parseMultipart(body as Buffer, boundary) } satisfies ReadBody);
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
}

/** docs/api/openapi.json, from the table of operations. `npm run docs` writes it; a test compares both. */
import { openApiDocument } from '../core/admin/openapi.ts';
import { PROBLEMS } from '../http/api/problem.ts';

/** The text of docs/api/openapi.json. */
export function openApiFile(): string {
  return `${JSON.stringify(openApiDocument(PROBLEMS), null, 2)}\n`;
}

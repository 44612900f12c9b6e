/** The page of the wizard: that of the dashboard, which asks the server what it is. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const TEXT = 'The dashboard is not built.\n';

/** Answers requests for `/ui/`. */
export function servePage(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': TEXT.length });
  response.end(TEXT);
}

/** docs/protocols/original.md: the requests of its tables, sent in order to a real server in front of a real BIND. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORIGINAL_ERRORS } from '../../src/core/updates/original-lines.ts';
import { originalProtocol } from '../../src/http/protocols/original.ts';
import { startBind } from '../support/bind.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/protocols/original.md'), 'utf8');
const ZONE = 'dyn.example.com';

interface Example {
  readonly request: string;
  readonly status: number;
  readonly reply: string;
}

/** The table rows that begin with a request. */
const EXAMPLES: readonly Example[] = [...PAGE.matchAll(/^\| `([^`]+)` \| (\d{3}) \| (`.*`) \|$/gm)].map((match) => ({
  request: match[1]!,
  status: Number(match[2]),
  reply: `${match[3]!.slice(1, -1).split('`<br>`').join('\n')}\n`,
}));

/** `…` in the text matches anything without a quote. */
function pattern(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^$()|[\]{}\\]/g, '\\$&').replaceAll('…', "[^']+")}$`);
}

describeWith(BIND_PROGRAMS, 'the requests of docs/protocols/original.md', () => {
  let primary: PrimaryServer;
  let server: RunningDyndns;

  beforeAll(async () => {
    const key = { name: ZONE, algorithm: 'hmac-sha512', secret: randomBytes(64).toString('base64') };
    primary = await startBind({ zones: [{ name: ZONE }], keys: [key] });
    const config = /^```yaml config\n([\s\S]*?)^```$/m.exec(PAGE)?.[1] ?? '';
    server = await startDyndns(
      `${config}    tsig_key: '${key.secret}'\nnameserver: 127.0.0.1\nport: ${primary.port}\nhttp: {listen: ['127.0.0.1:0']}\n`,
    );
  });
  afterAll(async () => {
    await server?.stop();
    await primary?.stop();
  });

  it('are there', () => expect(EXAMPLES.length).toBeGreaterThan(30));

  EXAMPLES.forEach(({ request, status, reply }, index) => {
    it(`${index + 1}. ${request}`, async () => {
      const [, method = 'GET', target, body] = /^(?:([A-Z]+) )?(\S+)(?: (\S+))?$/.exec(request)!;
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const options = body === undefined ? { method } : { method, headers, body };
      const answer = await server.ask(target!, options);
      expect(answer.body).toMatch(pattern(reply));
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
    });
  });
});

describe('docs/protocols/original.md', () => {
  it('has every route', () => {
    for (const { pattern: route } of originalProtocol.routes) {
      expect(PAGE).toContain(route.replaceAll(/:(\w+)/g, (_all, name: string) => name.toUpperCase()));
    }
  });

  it('has every status with its level', () => {
    const rows = new Map(Object.values(ORIGINAL_ERRORS).map(([status, level]) => [status, level]));
    for (const [status, level] of rows) expect(PAGE).toContain(`\n| ${status} | ${level} |`);
  });
});

/**
 * docs/protocols/acme-dns.md and httpreq.md: the lists of what differs on purpose. Each request of a list is sent to a server,
 * and its reply is the one that the list has for dyndns.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { REPOSITORY } from '../support/installation.ts';

const ZONE = 'dyndns.example.com';
const SECRET = 'secretOfHome';

/** Rows with a request: what is in front of it, the request itself, and the reply of dyndns. */
function rowsOf(page: string): readonly (readonly [string, string, string])[] {
  const list = readFileSync(join(REPOSITORY, 'docs/protocols', page), 'utf8').split(/^## What differs .*$/m)[1] ?? '';
  const rows = [...list.matchAll(/^\| (.*?)`((?:GET|POST) \/.*?)` \| .*? \| (\d{3}.*) \|$/gm)];
  return rows.map(([, front, request, reply]) => [front!, request!, reply!]);
}

const ACME_DNS = rowsOf('acme-dns.md');
const HTTPREQ = rowsOf('httpreq.md');

describe('what differs on purpose', () => {
  let server: EmbeddedServer;
  const account: Record<string, string> = {};

  const send = (request: string, headers: Record<string, string>) => {
    const [, method, target, body] = /^(GET|POST) (\S+)(?: (.*))?$/.exec(request)!;
    return server.dyndns.ask(target!, { method: method!, headers, ...(body !== undefined && { body }) });
  };

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        limits: { refused_per_minute_per_source: 0 },
        protocols: { acme_dns: true },
        acme_dns: { zone: `challenges.${ZONE}`, register: ['127.0.0.1'] },
        tokens: [
          {
            name: 'home',
            sha256: createHash('sha256').update(SECRET).digest('hex'),
            hosts: [`home.${ZONE}`],
            types: ['TXT'],
          },
        ],
      },
    });
    Object.assign(account, JSON.parse((await send('POST /register', {})).body));
  });
  afterAll(() => server?.stop());

  it('the lists are there', () => {
    expect([ACME_DNS.length, HTTPREQ.length]).toEqual([12, 8]);
  });

  /** A status and either the whole body in code, or a part of it in code, or nothing. */
  const check = (expected: string, status: number, body: string) => {
    const [, code, part = ''] = /^(\d{3})(?: `(.*)`)?$/.exec(expected)!;
    expect([status, body.includes(part)]).toEqual([Number(code), true]);
    if (!part.startsWith('"')) expect(body.trimEnd()).toBe(part);
  };

  it.each(ACME_DNS)('acme-dns: %s%s', async (_front, request, expected) => {
    const headers = request.startsWith('POST /update')
      ? { 'X-Api-User': account['username']!, 'X-Api-Key': account['password']! }
      : {};
    const reply = await send(request.replace('SUBDOMAIN', account['subdomain']!), headers as Record<string, string>);
    check(expected, reply.status, reply.body);
  });

  it.each(HTTPREQ)('httpreq: %s%s', async (front, request, expected) => {
    const isBare = front.includes('without a credential');
    const reply = await send(request, isBare ? {} : { Authorization: `Bearer ${SECRET}` });
    check(expected, reply.status, reply.body);
  });
});

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

/** The table rows that begin with a request. A fourth column is about the original. */
const EXAMPLES: readonly Example[] = [
  ...PAGE.matchAll(/^\| `([^`]+)` \| (\d{3}) \| (`[^|]*`) \|(?: [^|]* \|)?$/gm),
].map((match) => ({
  request: match[1]!,
  status: Number(match[2]),
  reply: `${match[3]!.slice(1, -1).split('`<br>`').join('\n')}\n`,
}));

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^$()|[\]{}\\]/g, '\\$&');
}

/** `…` in the text matches anything without a quote. */
function pattern(text: string): RegExp {
  return new RegExp(`^${escaped(text).replaceAll('…', "[^']+")}$`);
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

/**
 * The tests of each difference, in test/e2e/differences.test.ts, src/config and test/cli: a row without a test, and a test
 * of a difference without a row, fail.
 */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'replaces by two messages, so that readers meanwhile find no address':
    'replaces by two messages, so that readers see a gap',
  'an unchanged update writes four messages and raises the serial by four':
    'an unchanged update writes four messages: ours writes nothing, and the serial stays',
  'two updates of one name at the same time can leave two records':
    'two updates of one name at the same time leave two records: ours leave one of 64, and each tells the true old value',
  'one family given, the other deleted': 'sending only one family deletes the other',
  'a refusal of the nameserver is `UNCHANGED` and 200':
    'the RCODE of the reply is not looked at: ours gives 512 with the repair',
  'a bad TTL, or an address with a zone identifier, deletes the record and then fails with 500':
    'a bad TTL or an address with a zone id deletes the record, then fails with 500',
  'a zone is found by substring: `evildyn.example.com` passes for `dyn.example.com`': 'the zone is found by substring',
  'names are compared with case': 'names are compared with case: ours are not (RFC 4343)',
  "the zone's own name, wildcards and non-ASCII names are refused":
    'apex, wildcard, _underscore and non-ASCII names are refused',
  '`/check` writes to all zones at each call, and calls at the same time make each other fail':
    '/check is open to everybody, writes each time, and calls in parallel make each other fail',
  'the secret is compared with `!=`, guesses are free': 'unlimited guesses of the secret',
  'the secret is in the URL only': 'the secret only in the URL',
  'replies are `text/html` and repeat input unescaped':
    'replies are text/html: ours are text/plain with nosniff, errors too',
  'an unknown route or method is 500': 'an unknown route or method gives 500: ours give 404 and 405',
  "behind a reverse proxy the proxy's address is published":
    "behind a reverse proxy the proxy's own address is published",
  '127.0.0.1, 224.0.0.1 and `::ffff:10.0.0.1` are published': '127.0.0.1, 224.0.0.1 and ::ffff:10.0.0.1 are published',
  '`dyndns config` prints the secrets': '`config` prints the secrets: ours prints [secret]',
  '`dyndns delete NAME` does nothing': '`delete NAME` does nothing: ours deletes',
};

/** Differences whose tests are elsewhere. */
const TESTED_ELSEWHERE = [
  // test/e2e/transports.test.ts
  'keys are hmac-sha512 and named like the zone',
  // src/config
  'a configuration file that was named and is missing is ignored',
];

describe('docs/protocols/original.md', () => {
  it('has the differences that are tested, and no others', () => {
    const tests = readFileSync(join(REPOSITORY, 'test/e2e/differences.test.ts'), 'utf8');
    const table = PAGE.slice(PAGE.indexOf('\n| the original | here |'));
    const rows = [...table.matchAll(/^\| (.+?) \| .+ \|$/gm)].map((match) => match[1]!);
    const isEnd = rows.indexOf('request');
    const named = rows.slice(0, isEnd).filter((row) => row !== 'the original');
    expect([...named].sort()).toEqual([...Object.keys(DIFFERENCES), ...TESTED_ELSEWHERE].sort());
    for (const title of Object.values(DIFFERENCES)) expect(tests).toMatch(new RegExp(`['"\`]${escaped(title)}['"\`]`));
    const titles = [...tests.matchAll(/^ {2}(?:it|describe)\(\s*(['"`])(.+?)\1,/gm)].map((match) => match[2]!);
    const known = new Set(Object.values(DIFFERENCES));
    expect(titles.filter((title) => !known.has(title) && title !== 'the command line')).toEqual([]);
  });

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

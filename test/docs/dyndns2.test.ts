/**
 * docs/protocols/dyndns2.md: the requests of its tables, sent in order to a real server in front of a real BIND, and its
 * tables of parameters, words and routes, compared with the code.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DYNDNS1_ERRORS, dyndns1Protocol } from '../../src/http/protocols/dyndns1.ts';
import { DYNDNS2_ERRORS, dyndns2Protocol } from '../../src/http/protocols/dyndns2.ts';
import { EASYDNS_ERRORS, easydnsProtocol } from '../../src/http/protocols/easydns.ts';
import { echoProtocol } from '../../src/http/protocols/echo.ts';
import { NJALLA_ERRORS, njallaProtocol } from '../../src/http/protocols/njalla.ts';
import { PARAMETERS } from '../../src/http/request/update-parameters.ts';
import { startBind } from '../support/bind.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const PAGE = readFileSync(join(REPOSITORY, 'docs/protocols/dyndns2.md'), 'utf8');
const ZONE = 'dyn.example.com';

interface Example {
  readonly request: string;
  readonly status: number;
  readonly reply: string;
  readonly authorized: boolean;
}

/** The table rows that begin with a request, by table. */
const EXAMPLES: readonly Example[] = PAGE.split(/^\| (?=request)/m)
  .slice(1)
  .flatMap((table) =>
    // A fourth column is about another service.
    [...table.matchAll(/^\| `([^`]+)` \| (\d{3}) \| (`[^|]*`) \|(?: [^|]* \|)?$/gm)].map((match) => ({
      request: match[1]!,
      status: Number(match[2]),
      reply: match[3]!.slice(1, -1).split('`<br>`').join('\n'),
      authorized: !table.startsWith('request without header'),
    })),
  );

describeWith(BIND_PROGRAMS, 'the requests of docs/protocols/dyndns2.md', () => {
  let primary: PrimaryServer;
  let server: RunningDyndns;

  beforeAll(async () => {
    const key = { name: ZONE, algorithm: 'hmac-sha512', secret: randomBytes(64).toString('base64') };
    primary = await startBind({ zones: [{ name: ZONE }], keys: [key] });
    const config = /^```yaml config\n([\s\S]*?)^```$/m.exec(PAGE)?.[1] ?? '';
    const whole = config.replace(`  - name: ${ZONE}\n`, (line) => `${line}    tsig_key: '${key.secret}'\n`);
    server = await startDyndns(
      `${whole}nameserver: 127.0.0.1\nport: ${primary.port}\nhttp: {listen: ['127.0.0.1:0']}\n`,
    );
  });
  afterAll(async () => {
    await server?.stop();
    await primary?.stop();
  });

  it('are there, also those of deSEC with the difference beside them', () => {
    expect(EXAMPLES.length).toBeGreaterThan(60);
    const rows = PAGE.split('\n').filter((line) => /^\| `(?:[A-Z]+ )?\//.test(line) && / \d{3} /.test(line));
    expect(EXAMPLES.length).toBe(rows.length);
  });

  EXAMPLES.forEach(({ request, status, reply, authorized }, index) => {
    it(`${index + 1}. ${request}`, async () => {
      const [, method = 'GET', target, body] = /^(?:([A-Z]+) )?(\S+)(?: (\S+))?$/.exec(request)!;
      const headers = {
        ...(authorized ? { Authorization: `Basic ${Buffer.from('x:abcd1234').toString('base64')}` } : {}),
        ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      };
      const answer = await server.ask(target!, { method, headers, ...(body === undefined ? {} : { body }) });
      expect(answer.body.trimEnd()).toBe(reply);
      expect(answer.status).toBe(status);
    });
  });
});

describe('docs/protocols/dyndns2.md', () => {
  it('has every route', () => {
    const protocols = [dyndns2Protocol, dyndns1Protocol, easydnsProtocol, njallaProtocol, echoProtocol];
    for (const { pattern } of protocols.flatMap(({ routes }) => routes)) expect(PAGE).toContain(`\`${pattern}\``);
  });

  it('has every parameter, in the order in which they count', () => {
    for (const names of Object.values(PARAMETERS)) {
      const [first, ...rest] = names.map((name) => `\`${name}\``);
      const line = PAGE.split('\n\n').join('\n').replaceAll(' |\n| ', ' ').replaceAll(',', '');
      expect(line, first).toContain([first, ...rest].join(' ').replace('`hostname` ', ''));
    }
  });

  it('has every word with its status', () => {
    const words = [DYNDNS2_ERRORS, DYNDNS1_ERRORS, EASYDNS_ERRORS, NJALLA_ERRORS].flatMap((errors) =>
      Object.values(errors),
    );
    for (const [status, word] of words) expect(PAGE).toContain(`\n| \`${word}\` | ${status} |`);
  });
});

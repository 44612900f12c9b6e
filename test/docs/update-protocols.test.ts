/**
 * The pages of docs/protocols for protocols other than dyndns2: the requests of their tables, sent in order to a real
 * server in front of a real BIND, and their tables of words and routes, compared with the code.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FREEDNS_ERRORS, freednsProtocol } from '../../src/http/protocols/freedns.ts';
import { NOIP_ERRORS, noipProtocol } from '../../src/http/protocols/noip.ts';
import { startBind } from '../support/bind.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';

const PAGES = [
  { file: 'noip.md', protocol: noipProtocol, errors: NOIP_ERRORS, examples: 12 },
  { file: 'freedns.md', protocol: freednsProtocol, errors: FREEDNS_ERRORS, examples: 15 },
] as const;

for (const { file, protocol, errors, examples: atLeast } of PAGES) {
  const page = readFileSync(join(REPOSITORY, 'docs/protocols', file), 'utf8');
  const examples = [...page.matchAll(/^\| `((?:[A-Z]+ )?\/[^`]+)` \| (\d{3}) \| (`.*`) \|$/gm)].map((match) => ({
    request: match[1]!,
    status: Number(match[2]),
    reply: match[3]!.slice(1, -1).split('`<br>`').join('\n'),
  }));

  describeWith(BIND_PROGRAMS, `the requests of docs/protocols/${file}`, () => {
    let primary: PrimaryServer;
    let server: RunningDyndns;

    beforeAll(async () => {
      const key = { name: ZONE, algorithm: 'hmac-sha512', secret: randomBytes(64).toString('base64') };
      primary = await startBind({ zones: [{ name: ZONE }], keys: [key] });
      const config = /^```yaml config\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
      const whole = config.replace(`  - name: ${ZONE}\n`, (line) => `${line}    tsig_key: '${key.secret}'\n`);
      const rest = `nameserver: 127.0.0.1\nport: ${primary.port}\nhttp: {listen: ['127.0.0.1:0']}\n`;
      server = await startDyndns(`${whole}${rest}`);
    });
    afterAll(async () => {
      await server?.stop();
      await primary?.stop();
    });

    it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(atLeast));

    examples.forEach(({ request, status, reply }, index) => {
      it(`${index + 1}. ${request}`, async () => {
        const [, method = 'GET', target, body] = /^(?:([A-Z]+) )?(\S+)(?: (\S+))?$/.exec(request)!;
        const headers = body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' };
        const answer = await server.ask(target!, { method, headers, ...(body === undefined ? {} : { body }) });
        // `…` replaces the elapsed seconds.
        const answered = answer.body.trimEnd().replace(/ in \d+\.\d{3} seconds/g, ' in … seconds');
        expect([answer.status, answered]).toEqual([status, reply]);
      });
    });
  });

  describe(`docs/protocols/${file}`, () => {
    it('has every route', () => {
      for (const { pattern } of protocol.routes) expect(page).toContain(`\`${pattern}\``);
    });

    it('has every word with its status', () => {
      for (const [status, word] of Object.values(errors)) expect(page).toContain(`\n| \`${word}\` | ${status} |`);
    });
  });
}

/**
 * docs/protocols/duckdns.md, dynv6.md and freemyip.md: the requests of their tables, sent in order to real servers in front
 * of a real BIND, and their routes and replies, compared with the code.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUCKDNS_ERRORS, duckdnsProtocol } from '../../src/http/protocols/duckdns.ts';
import { DYNV6_ERRORS, dynv6Protocol } from '../../src/http/protocols/dynv6.ts';
import { FREEMYIP_ERRORS, freemyipProtocol } from '../../src/http/protocols/freemyip.ts';
import type { Protocol } from '../../src/http/request/door.ts';
import { makeKey } from '../e2e/lab.ts';
import { startBind } from '../support/bind.ts';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const PAGES: readonly {
  readonly name: string;
  readonly zone: string;
  readonly protocol: Protocol;
  readonly errors: Readonly<Record<string, readonly [number, string]>>;
}[] = [
  { name: 'duckdns.md', zone: 'dyn.example.com', protocol: duckdnsProtocol, errors: DUCKDNS_ERRORS },
  { name: 'dynv6.md', zone: 'dyn.example.net', protocol: dynv6Protocol, errors: DYNV6_ERRORS },
  { name: 'freemyip.md', zone: 'dyn.example.org', protocol: freemyipProtocol, errors: FREEMYIP_ERRORS },
];

const KEY = makeKey('key1.example.com');

describeWith(BIND_PROGRAMS, 'the requests of docs/protocols', () => {
  let primary: PrimaryServer;

  beforeAll(async () => {
    primary = await startBind({ zones: PAGES.map(({ zone }) => ({ name: zone, keys: [KEY.name] })), keys: [KEY] });
  });
  afterAll(() => primary?.stop());

  describe.each(PAGES)('$name', ({ name, zone }) => {
    const page = readFileSync(join(REPOSITORY, 'docs/protocols', name), 'utf8');
    const examples = [...page.matchAll(/^\| `([^`]+)` \| (\d{3}) \| (`.*`) \|$/gm)];
    let server: RunningDyndns;

    beforeAll(async () => {
      const config = /^```yaml config\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
      const key = `    tsig_key: {name: ${KEY.name}, algorithm: ${KEY.algorithm}, secret: '${KEY.secret}'}\n`;
      const whole = config.replace(`  - name: ${zone}\n`, (line) => line + key);
      server = await startDyndns(
        `${whole}nameserver: 127.0.0.1\nport: ${primary.port}\nhttp: {listen: ['127.0.0.1:0']}\n`,
      );
    });
    afterAll(() => server?.stop());

    it('are there', () => expect(examples.length).toBeGreaterThan(10));

    examples.forEach(([, request, status, reply], index) => {
      it(`${index + 1}. ${request}`, async () => {
        const [, method = 'GET', target, body] = /^(?:([A-Z]+) )?(\S+)(?: (\S+))?$/.exec(request!)!;
        const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
        const answer = await server.ask(target!, body === undefined ? { method } : { method, headers, body });
        expect(answer.body.replace(/\n$/, '')).toBe(reply!.replaceAll('`', '').replaceAll('<br>', '\n'));
        expect(answer.status).toBe(Number(status));
      });
    });
  });
});

describe.each(PAGES)('docs/protocols/$name', ({ name, protocol, errors }) => {
  const page = readFileSync(join(REPOSITORY, 'docs/protocols', name), 'utf8');

  it('has every route, and the switch', () => {
    for (const { pattern } of protocol.routes) expect(page).toContain(`\`${pattern}\``);
    expect(page).toContain(`\`protocols: {${protocol.name}: false}\``);
  });

  it('has every reply with its status', () => {
    for (const [status, text] of Object.values(errors)) expect(page).toContain(`\n| \`${text}\` | ${status} |`);
  });
});

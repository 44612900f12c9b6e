/** dyndns1 on a whole server in front of a real BIND. test/clients has the real ddclient with dyndns1. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { DYNDNS1_ERRORS, dyndns1Protocol } from '../../src/http/protocols/dyndns1.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import type { Answer } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const page = (title: string, code: string) =>
  `<HTML><HEAD><TITLE>${title}</TITLE></HEAD>\n<BODY>\nreturn code: ${code}\nerror code: ${code}\n</BODY></HTML>\n`;

describeWith(BIND_PROGRAMS, 'dyndns1', () => {
  let lab: Lab;
  let server: RunningDyndns;

  beforeAll(async () => {
    lab = await openLab({}, 'alias CNAME home\n');
    const sha256 = createHash('sha256').update('one-secret').digest('hex');
    server = await lab.serve({
      http: { trusted_proxies: ['127.0.0.1'] },
      tokens: [{ name: 'one', sha256, hosts: [`one.${ZONE}`] }],
      hosts: [{ name: `off.${ZONE}`, enabled: false }],
    });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const statusAndBody = ({ status, body }: Answer) => [status, body];
  const ask = (query: string, password = SECRET, path = '/nic/dyndns') => {
    const Authorization = `Basic ${Buffer.from(`x:${password}`).toString('base64')}`;
    const headers = { Authorization, 'X-Forwarded-For': '198.51.100.7' };
    return server.ask(`${path}?action=edit&started=1&hostname=YES&${query}`, { headers });
  };

  it('changes the host of host_id on both paths, and says the same when nothing changes', async () => {
    for (const { pattern } of dyndns1Protocol.routes) {
      const query = `host_id=h${pattern.length}.${ZONE}&myip=192.0.2.1&wildcard=ON&mx=mail.${ZONE}&backmx=YES`;
      const first = await ask(query, SECRET, pattern);
      expect(statusAndBody(first)).toEqual([200, page('Changed', 'NOERROR')]);
      expect(first.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(statusAndBody(await ask(query, SECRET, pattern))).toEqual([200, page('Unchanged', 'NOERROR')]);
      expect(await lab.look(`h${pattern.length}.${ZONE}`, 'A')).toEqual(['192.0.2.1']);
    }
  });

  it('an empty myip is the address of the client, and without host_id the token says which host', async () => {
    expect(statusAndBody(await ask('myip=', 'one-secret'))).toEqual([200, page('Changed', 'NOERROR')]);
    expect(await lab.look(`one.${ZONE}`, 'A')).toEqual(['198.51.100.7']);
    expect(statusAndBody(await ask('myip=2001:db8::1', 'one-secret'))).toEqual([200, page('Changed', 'NOERROR')]);
    expect(await lab.look(`one.${ZONE}`, 'AAAA')).toEqual(['2001:db8::1']);
  });

  it('refuses, each reason with its code, and changes nothing', async () => {
    const before = await lab.serial();
    for (const [query, code, password] of [
      [`host_id=home.${ZONE}&myip=192.0.2.1`, 'NOHOST', 'one-secret'],
      ['host_id=nowhere.example.org&myip=192.0.2.1', 'NOHOST', 'one-secret'],
      [`host_id=one.${ZONE},home.${ZONE}&myip=192.0.2.9`, 'NOHOST', 'one-secret'],
      ['myip=192.0.2.1', 'NOHOST', SECRET],
      [`host_id=off.${ZONE}&myip=192.0.2.1`, 'ABUSE', SECRET],
      [`host_id=alias.${ZONE}&myip=192.0.2.1`, 'DNSERR', SECRET],
      [`host_id=home.${ZONE}&myip=x`, 'BADIP', SECRET],
      [`host_id=home.${ZONE}&myip=224.0.0.1`, 'BADIP', SECRET],
    ] as const) {
      const { status, body } = await ask(query, password);
      expect([status, body], query).toEqual([200, expect.stringContaining(`\nerror code: ${code}\n`)]);
    }
    for (const password of ['wrong', '']) {
      const { status, body, headers } = await ask(`host_id=home.${ZONE}&myip=192.0.2.1`, password);
      expect([status, body]).toEqual([401, page('Wrong user name or password', 'BADAUTH')]);
      expect(headers['www-authenticate']).toBe('Basic realm="dyndns"');
    }
    expect((await server.ask(`/nic/dyndns?host_id=home.${ZONE}&myip=192.0.2.1`)).status).toBe(401);
    expect(await lab.serial()).toBe(before);
  });

  it('is 503 with Retry-After where the primary does not answer', async () => {
    const port = await freePort();
    const away = await lab.serve({ port, nameserver_timeout_seconds: 1 });
    const { status, body, headers } = await away.ask(
      `/nic/dyndns?hostname=a.${ZONE}&myip=192.0.2.1&password=${SECRET}`,
    );
    expect([status, body]).toEqual([503, expect.stringContaining('\nerror code: DNSERR\n')]);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await away.stop();
  });

  it('no error has a word in it that a client takes for success', () => {
    const codes = Object.keys(DYNDNS1_ERRORS) as (keyof typeof DYNDNS1_ERRORS)[];
    const bodies = codes.map((code) => dyndns1Protocol.formatError(new AppError(code, ''), 'x').body);
    for (const body of bodies) expect(body).not.toMatch(/good|nochg|ok|true|success|updated|NOERROR/i);
  });
});

// No secret reaches a log, a command line or an environment: every route is called with the secret wherever a client may
// put it, rightly and by mistake, then all that the server wrote is searched for it and for the TSIG key.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningDyndns } from '../support/dyndns.ts';
import { exchangeRaw, form } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, makeKey, openLab, SECRET, ZONE } from './lab.ts';

describeWith(BIND_PROGRAMS, 'what the server writes about requests', () => {
  let lab: Lab;
  let server: RunningDyndns;

  beforeAll(async () => {
    lab = await openLab();
    server = await lab.serve({ log_level: 0, check: 'authenticated', http: { trusted_proxies: ['127.0.0.1'] } });
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  const fqdn = `home.${ZONE}`;
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString('base64')}` });
  const bearer = { Authorization: `Bearer ${SECRET}` };
  const S = SECRET;

  /** Targets with the secret in its place and in every other one. */
  const TARGETS = [
    `/check?secret=${S}`,
    `/check?sekret=${S}`,
    `/?secret=${S}`,
    `/myip?secret=${S}`,
    `/${S}`,
    `/${S}/update-by-path/${fqdn}`,
    `/update-by-path/${S}`,
    `/update-by-path/${S}/${fqdn}`,
    `/update-by-path/${S}/${fqdn}/192.0.2.1`,
    `/update-by-path/${S}/${fqdn}/192.0.2.1/2001:db8::1`,
    `/update-by-path/${S}/${fqdn}/192.0.2.1/2001:db8::1/more`,
    `/update-by-path/${fqdn}/${S}`,
    `/update-by-path/${fqdn}/${S}/192.0.2.1`,
    `/update-by-path/192.0.2.1/${fqdn}/${S}`,
    `/update-by-path/${S}/${S}`,
    `/update-by-path/${S}/${S}/${S}/${S}`,
    `/update-by-path/${S}/${fqdn}/${S}`,
    `/update-by-path/${S}/${fqdn}/192.0.2.1/${S}`,
    `/update-by-path/${S}/${S}!/192.0.2.1`,
    `/update-by-path/${S}/${S}..${S}/192.0.2.1`,
    `/update-by-path/${S}/x.example.${S}/192.0.2.1`,
    `/update-by-path/${S}%ff/${fqdn}`,
    `/update-by-path/${S}%/${fqdn}`,
    `/update-by-path/${S}x/${fqdn}`,
    `/updat-by-path/${S}/${fqdn}`,
    `/delete-by-path/${S}/${fqdn}`,
    `/delete-by-path/${fqdn}/${S}`,
    `/delete-by-path/${S}/${S}`,
    `/nic/update?hostname=${fqdn}&password=${S}`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ipv4=192.0.2.1`,
    `/update-by-query?secert=${S}&fqdn=${fqdn}&ipv4=192.0.2.1`,
    `/update-by-query?secret=${S}&secert=${S}&fqdn=${fqdn}`,
    `/update-by-query?secret=${S}&${S}=1&fqdn=${fqdn}`,
    `/update-by-query?${S}`,
    `/update-by-query?secret=${S}&fqdn=${S}`,
    `/update-by-query?secret=${S}&zone_name=${S}&record_name=home`,
    `/update-by-query?secret=${S}&zone_name=${S}!&record_name=home`,
    `/update-by-query?secret=${S}&zone_name=${ZONE}&record_name=${S}!`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ip_1=${S}`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ip_2=${S}`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ipv4=${S}`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ipv6=${S}`,
    `/update-by-query?secret=${S}&fqdn=${fqdn}&ipv4=192.0.2.1&ttl=${S}`,
    `/update-by-query?fqdn=${S}`,
    `/update-by-query?secret=${fqdn}&fqdn=${S}`,
  ];

  it('holds neither the secret nor key material, in whatever place of a request it stands', async () => {
    const headers = [
      {},
      bearer,
      basic(`user:${S}`),
      basic(`${S}:user`),
      { 'X-Api-Key': S },
      { Authorization: S },
      { Authorization: `Token ${S}x` },
    ];
    let source = 0;
    const ask = (target: string, more: Readonly<Record<string, string>>, method = 'GET') => {
      source += 1;
      const address = { 'X-Forwarded-For': `198.51.${source >> 8}.${source & 255}` };
      return server.ask(target, { method, headers: { ...address, ...more } });
    };
    const seen = new Set<number>();
    for (const target of TARGETS) {
      const answers = await Promise.all([
        ...headers.map((more) => ask(target, more)),
        ...['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE'].map((method) => ask(target, bearer, method)),
      ]);
      for (const { status } of answers) seen.add(status);
    }
    for (const parameters of [
      { secret: S, fqdn, ipv4: '192.0.2.2' },
      { sekret: S, fqdn },
      { secret: S, fqdn: S },
      { secret: fqdn, fqdn: S },
    ]) {
      seen.add((await server.ask('/update-by-query', form(parameters as Record<string, string>))).status);
    }
    await server.ask('/update-by-query', {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: `secret=${S}`,
    });
    await server.ask('/myip', { headers: { 'X-Forwarded-For': S, Referer: S, 'User-Agent': S, Cookie: S, Host: S } });
    await exchangeRaw(server.port, `GET /update by path/${S} HTTP/1.1\r\n\r\n`);
    await exchangeRaw(server.port, `${S}\r\n\r\n`);
    // A wrong key: what is said of it must not show it.
    const other = makeKey(ZONE);
    const news = await server.reload(lab.config({ zones: [{ name: ZONE, tsig_key: other.secret }] }));
    expect(news.at(-1)?.msg).toBe('Configuration reloaded.');
    expect((await ask(`/update-by-path/${S}/${fqdn}/192.0.2.3`, {})).status).toBe(512);
    await server.reload(`secret: '${S}'\nzones: [{name: x, tsig_key: '${other.secret}!'}]\nother: ${S}\n`);

    await waitUntil('the log to tell of the last requests', () =>
      server.log().some(({ code }) => code === 'primary-key-rejected'),
    );
    const cmdline = readFileSync(`/proc/${server.process.pid}/cmdline`, 'utf8');
    const environment = readFileSync(`/proc/${server.process.pid}/environ`, 'utf8');
    await server.process.stop();
    const written = server.process.output();
    expect([...seen].sort()).toEqual(expect.arrayContaining([200, 204, 400, 404, 405, 453, 454, 456]));
    expect(written.split('\n').length).toBeGreaterThan(500);
    const material = [lab.key.secret, other.secret].flatMap((secret) => {
      const octets = Buffer.from(secret, 'base64');
      return [
        secret,
        secret.slice(0, 16),
        octets.toString('hex'),
        octets.toString('latin1'),
        String([...octets.subarray(0, 8)]),
      ];
    });
    for (const hidden of [S, ...material, Buffer.from(`user:${S}`).toString('base64')]) {
      for (const place of [written, cmdline, environment]) {
        const line = place.split('\n').find((text) => text.toLowerCase().includes(hidden.toLowerCase()));
        expect(line).toBeUndefined();
      }
    }
  }, 60_000);
});

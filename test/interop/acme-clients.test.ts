/**
 * certbot, lego and pebble as started by the tests, verified with BIND as a known good primary. nameserver-acme.test.ts
 * tests them with our own nameserver.
 */
import { X509Certificate } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { CERTBOT_PROGRAMS, certbotCertificate } from '../support/certbot.ts';
import { LEGO_PROGRAMS, legoCertificate } from '../support/lego.ts';
import { PEBBLE_PROGRAMS, startPebble } from '../support/pebble.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'acme.example.com';
const KEY = { name: 'acme.key', algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const PROGRAMS = [...BIND_PROGRAMS, ...PEBBLE_PROGRAMS, ...CERTBOT_PROGRAMS, ...LEGO_PROGRAMS];

describeWith(PROGRAMS, 'ACME clients with pebble and BIND', () => {
  const servers: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.each([
    ['certbot', certbotCertificate],
    ['lego', legoCertificate],
  ] as const)('%s gets a certificate for a name and its wildcard', { timeout: 90_000 }, async (_name, order) => {
    const primary = await startBind({ zones: [{ name: ZONE }], keys: [KEY] });
    servers.push(primary);
    const pebble = await startPebble(primary);
    servers.push(pebble);
    const names = [`home.${ZONE}`, `*.home.${ZONE}`];
    const certificate = new X509Certificate(await order(primary, KEY, pebble, names));
    expect(certificate.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.home.${ZONE}`, `DNS:home.${ZONE}`]);
    expect(certificate.issuer).toContain('Pebble');
  });

  it('pebble refuses a certificate if it does not find the TXT record', { timeout: 90_000 }, async () => {
    const primary = await startBind({ zones: [{ name: ZONE }], keys: [KEY] });
    const elsewhere = await startBind({ zones: [{ name: ZONE }], keys: [KEY] });
    servers.push(primary, elsewhere);
    const pebble = await startPebble(elsewhere);
    servers.push(pebble);
    await expect(certbotCertificate(primary, KEY, pebble, [`home.${ZONE}`])).rejects.toThrow(/exit code 1/);
  });
});

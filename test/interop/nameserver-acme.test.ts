/**
 * certbot and lego get certificates by DNS-01 from pebble, through our embedded nameserver. The key may change only the
 * one TXT name.
 */
import { X509Certificate } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { CERTBOT_PROGRAMS, certbotCertificate } from '../support/certbot.ts';
import { dig } from '../support/dig.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { LEGO_PROGRAMS, legoCertificate } from '../support/lego.ts';
import { PEBBLE_PROGRAMS, startPebble } from '../support/pebble.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'secure.example.com';
const CHALLENGE = `_acme-challenge.home.${ZONE}`;
const SECRET = 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=';
const PROGRAMS = [...BIND_PROGRAMS, ...PEBBLE_PROGRAMS, ...CERTBOT_PROGRAMS, ...LEGO_PROGRAMS];

describeWith(PROGRAMS, 'ACME clients with pebble and the embedded nameserver', () => {
  const servers: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.each([
    ['certbot', 'hmac-sha512', certbotCertificate],
    ['certbot', 'hmac-md5', certbotCertificate],
    ['lego', 'hmac-sha512', legoCertificate],
  ] as const)(
    '%s with a key of %s gets a certificate for a name and its wildcard',
    { timeout: 90_000 },
    async (_name, algorithm, order) => {
      const key = { name: 'acme.key', algorithm, secret: SECRET, allow: ['update'] as const, types: ['TXT'] };
      const server = await startEmbedded({ zone: ZONE, keys: [{ ...key, hosts: [CHALLENGE] }] });
      servers.push(server);
      const pebble = await startPebble(server);
      servers.push(pebble);
      const pem = await order(server, key, pebble, [`home.${ZONE}`, `*.home.${ZONE}`]);
      const certificate = new X509Certificate(pem);
      expect(certificate.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.home.${ZONE}`, `DNS:home.${ZONE}`]);
      expect((await dig(server, [CHALLENGE, 'TXT'])).short).toEqual([]);
    },
  );
});

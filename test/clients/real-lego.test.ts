// The real lego gets certificates through the doors for TXT records; pebble looks the records up at the embedded
// nameserver, and nothing of the validation is skipped.
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { LEGO_PROGRAMS, orderWithLego } from '../support/lego.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const TOKEN = 'tokenOfLego';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

function namesOf(pem: string): string[] | undefined {
  return new X509Certificate(pem).subjectAltName?.split(', ').sort();
}

describeWith([...BIND_PROGRAMS, ...PEBBLE_PROGRAMS, ...LEGO_PROGRAMS], 'lego', () => {
  let server: EmbeddedServer;
  let pebble: Pebble;

  beforeAll(async () => {
    server = await startEmbedded({
      zone: ZONE,
      config: {
        tokens: [{ name: 'lego', sha256: hash(TOKEN), hosts: [`home.${ZONE}`], types: ['TXT'] }],
      },
    });
    pebble = await startPebble(server);
  }, 30_000);

  afterAll(async () => {
    await pebble?.stop();
    await server?.stop();
  });

  it.each(['', 'RAW'])(
    'gets a certificate for a name and its wildcard through httpreq, mode "%s", and cleans up',
    { timeout: 90_000 },
    async (mode) => {
      const env = {
        HTTPREQ_ENDPOINT: `http://127.0.0.1:${server.dyndns.port}${mode === '' ? '' : '/httpreq'}`,
        HTTPREQ_USERNAME: 'lego',
        HTTPREQ_PASSWORD: TOKEN,
        HTTPREQ_MODE: mode,
        HTTPREQ_POLLING_INTERVAL: '1',
      };
      const names = [`home.${ZONE}`, `*.home.${ZONE}`];
      const pem = await orderWithLego({ resolver: server, pebble, names, provider: 'httpreq', env });
      expect(namesOf(pem)).toEqual([`DNS:*.home.${ZONE}`, `DNS:home.${ZONE}`]);
      const lines = server.dyndns.log().filter(({ msg }) => msg.includes(`_acme-challenge.home.${ZONE}`));
      expect(lines.length).toBeGreaterThanOrEqual(4);
      expect((await dig(server, [`_acme-challenge.home.${ZONE}`, 'TXT'])).short).toEqual([]);
    },
  );
});

// The real lego gets certificates through the doors for TXT records; pebble looks the records up at the embedded
// nameserver, and nothing of the validation is skipped.
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { LEGO_PROGRAMS, orderWithLego } from '../support/lego.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const TOKEN = 'tokenOfLego';

const ZONE_KEY = { name: 'operator.key', algorithm: 'hmac-sha256', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };

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
      keys: [ZONE_KEY],
      config: {
        store: 'sqlite:dyndns.db',
        protocols: { acme_dns: true },
        acme_dns: { zone: `challenges.${ZONE}`, register: ['127.0.0.1'] },
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

  it('gets one through acme-dns, for a name whose challenge a CNAME delegates to its account', {
    timeout: 90_000,
  }, async () => {
    const directory = freshDirectory('lego-acme-dns');
    const storage = join(directory, 'accounts.json');
    const names = [`web.${ZONE}`, `*.web.${ZONE}`];
    const env = {
      ACME_DNS_API_BASE: `http://127.0.0.1:${server.dyndns.port}`,
      ACME_DNS_STORAGE_PATH: storage,
    };
    const order = () => orderWithLego({ resolver: server, pebble, names, provider: 'acme-dns', env });
    try {
      // The first run registers, and says which CNAME is missing.
      const said = await order().then(String, (error: unknown) => String(error));
      expect(said).toContain(`_acme-challenge.web.${ZONE}`);
      const accounts = Object.values(
        JSON.parse(readFileSync(storage, 'utf8')) as Record<string, { fulldomain: string }>,
      );
      expect(accounts).toHaveLength(1);
      const { fulldomain } = accounts[0]!;
      expect(fulldomain).toMatch(new RegExp(`^[0-9a-f-]{36}\\.challenges\\.${ZONE}$`));
      const done = await nsupdate(server, ZONE_KEY, ZONE, [
        `update add _acme-challenge.web.${ZONE} 60 CNAME ${fulldomain}.`,
      ]);
      expect(done.code).toBe(0);
      expect(namesOf(await order())).toEqual([`DNS:*.web.${ZONE}`, `DNS:web.${ZONE}`]);
      expect((await dig(server, [fulldomain, 'TXT'])).short).toHaveLength(2);
    } finally {
      removeNow(directory);
    }
  });
});

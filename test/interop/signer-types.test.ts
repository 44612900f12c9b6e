/**
 * Records that only the signer of a zone makes, at each door from outside: each type at each door is refused, or left out by an import, and
 * the signed zone stays as it is. A zone that is not signed takes what it took before.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_ZONE, type ApiLab, startApiLab } from '../support/api-lab.ts';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { RDATA_SAMPLES } from '../support/rdata-samples.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const KEY = { name: API_ZONE, algorithm: 'hmac-sha512', secret: 'bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2g=' };
const TOKEN = 'theTokenOfTheClient';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const TYPES = ['RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'DNSKEY', 'CDS', 'CDNSKEY'] as const;
/** An NSEC3 record may be at a hash only. */
const HASH = '2t7b4g4vsa5smi47k61mv5bv1a22bojr';
/** Each type at a name of its own, at one that is there, and at the apex. */
const OWNERS = [`new.${API_ZONE}`, `www.${API_ZONE}`, API_ZONE];
const CASES = TYPES.flatMap((type) => OWNERS.map((owner) => [type, owner] as const));

/** RDATA in presentation form. */
function rdataOf(type: string): string {
  const sample = RDATA_SAMPLES.find(({ text }) => text.startsWith(`${type} `));
  if (sample === undefined) throw new Error(`no sample of ${type}`);
  return sample.text.slice(type.length + 1);
}

async function startLab(dnssec: boolean): Promise<ApiLab> {
  return startApiLab({
    records: 'www IN A 192.0.2.1\n',
    keys: [KEY],
    zoneOptions: { ...(dnssec && { dnssec }), apex: true },
    config: {
      admin: { enabled: true, powerdns_api: true },
      limits: { refused_per_minute_per_source: 0 },
      tokens: [{ name: 'lego', sha256: sha256(TOKEN), hosts: [API_ZONE, `*.${API_ZONE}`], types: ['A', 'TXT'] }],
    },
  });
}

describeWith(BIND_PROGRAMS, 'records of the signer from outside', () => {
  let lab: ApiLab;
  let admin: string;
  let whole: string;

  const exported = async () => (await lab.send('exportZone', { zone: API_ZONE, signed: true }, admin)).body;
  const powerdns = (rrset: object) =>
    lab.server.dyndns.ask(`/api/v1/servers/localhost/zones/${API_ZONE}.`, {
      method: 'PATCH',
      headers: { 'X-API-Key': TOKEN },
      body: JSON.stringify({ rrsets: [rrset] }),
    });

  beforeAll(async () => {
    lab = await startLab(true);
    admin = await lab.user('boss', 'admin');
    whole = await exported();
  }, 40_000);
  afterAll(() => lab?.stop());

  /** What a door answers; it must say that it refused. */
  const doors: Readonly<Record<string, (type: string, owner: string) => Promise<void>>> = {
    'UPDATE that adds': async (type, owner) => {
      const { code, stderr } = await nsupdate(lab.server, KEY, API_ZONE, [
        'check-names no',
        `update add ${owner} 60 ${type} ${rdataOf(type)}`,
      ]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/update failed: REFUSED/)]);
    },
    'UPDATE that deletes an RRset': async (type, owner) => {
      const { code, stderr } = await nsupdate(lab.server, KEY, API_ZONE, [`update delete ${owner} ${type}`]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/update failed: REFUSED/)]);
    },
    'UPDATE that deletes a record': async (type, owner) => {
      const { code, stderr } = await nsupdate(lab.server, KEY, API_ZONE, [
        'check-names no',
        `update delete ${owner} ${type} ${rdataOf(type)}`,
      ]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/update failed: REFUSED/)]);
    },
    '/v1, replace': async (type, owner) => {
      const changes = [{ name: owner, type, action: 'replace', ttl: 60, records: [rdataOf(type)] }];
      const { status, body } = await lab.send('changeRRsets', { zone: API_ZONE, changes }, admin);
      expect([status, body]).toEqual([expect.toBeOneOf([400, 403, 409, 422]), expect.stringMatching(/signer/)]);
    },
    '/v1, delete': async (type, owner) => {
      const changes = [{ name: owner, type, action: 'delete' }];
      const { status, body } = await lab.send('changeRRsets', { zone: API_ZONE, changes }, admin);
      expect([status, body]).toEqual([expect.toBeOneOf([400, 403, 409, 422]), expect.stringMatching(/signer/)]);
    },
    'PowerDNS, REPLACE': async (type, owner) => {
      const records = [{ content: rdataOf(type), disabled: false }];
      const { status, body } = await powerdns({ name: `${owner}.`, type, ttl: 60, changetype: 'REPLACE', records });
      // A token may have none of these types.
      expect([status, body]).toEqual([expect.toBeOneOf([403, 422]), expect.stringContaining(type)]);
    },
    'PowerDNS, DELETE': async (type, owner) => {
      const { status, body } = await powerdns({ name: `${owner}.`, type, changetype: 'DELETE' });
      // A token may have none of these types.
      expect([status, body]).toEqual([expect.toBeOneOf([403, 422]), expect.stringContaining(type)]);
    },
    'an import': async (type, owner) => {
      const report = await lab.operate('importZone', { zone: API_ZONE }, `${owner}. 60 IN ${type} ${rdataOf(type)}\n`);
      expect(report).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 0, skippedCount: 1 });
    },
  };

  describe.each(Object.keys(doors))('%s', (door) => {
    it.each(CASES)('%s at %s', async (type, owner) => {
      await doors[door]!(type, owner);
      expect(await exported()).toBe(whole);
    });
  });

  it.each(TYPES)('static records: %s is an error of the configuration that says so', async (type) => {
    const directory = freshDirectory('signer-types');
    try {
      const file = join(directory, 'dyndns.yml');
      const check = async (dnssec: boolean) => {
        const zone = { name: API_ZONE, nameserver: 'embedded', ns: [`ns1.${API_ZONE}`], ...(dnssec && { dnssec }) };
        const records = `ns1 IN A 127.0.0.1\n${HASH} 60 IN ${type} ${rdataOf(type)}\n`;
        const dns = { listen: ['127.0.0.1:0'], database: join(directory, 'zones.db') };
        writeFileSync(file, JSON.stringify({ secret: 'masterSecretOfTests', dns, zones: [{ ...zone, records }] }), {
          mode: 0o600,
        });
        return runDyndns(['-c', file, 'check']);
      };
      const { code, stdout, stderr } = await check(true);
      expect([code, stdout + stderr]).toEqual([
        expect.toBeOneOf([1, 2]),
        expect.stringContaining(`have ${type} records at '${HASH}.${API_ZONE}.', which its signer makes ('dnssec')`),
      ]);
      expect(await check(false)).toMatchObject({ code: 0 });
    } finally {
      removeNow(directory);
    }
  });

  it('a name that is deleted keeps nothing of the signer, and the apex keeps all of it', async () => {
    expect(await nsupdate(lab.server, KEY, API_ZONE, [`update delete ${API_ZONE}`])).toMatchObject({ code: 0 });
    for (const type of ['DNSKEY', 'CDS', 'CDNSKEY', 'NSEC3PARAM']) {
      expect((await dig(lab.server, [API_ZONE, type])).short, type).toHaveLength(1);
    }
  });
});

describeWith(BIND_PROGRAMS, 'the same records in a zone that is not signed', () => {
  it('are taken as before', async () => {
    const lab = await startLab(false);
    try {
      for (const type of ['DNSKEY', 'CDS', 'CDNSKEY']) {
        const lines = [`update add new.${API_ZONE} 60 ${type} ${rdataOf(type)}`];
        expect(await nsupdate(lab.server, KEY, API_ZONE, lines), type).toMatchObject({ code: 0 });
        expect((await dig(lab.server, [`new.${API_ZONE}`, type])).short, type).toHaveLength(1);
      }
    } finally {
      await lab.stop();
    }
  });
});

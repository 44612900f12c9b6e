// Who may write the ACME challenge of the zone itself, of a static name and of a reserved name, at every door that writes TXT.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const keySecret = Buffer.alloc(32, 7).toString('base64');
const at = (label: string) => (label === '@' ? ZONE : `${label}.${ZONE}`);

/** The subject of the challenge, and which scopes of a token or key may write it. */
const SUBJECTS = ['@', 'www', 'a.lab', 'host', 'lab', 'mail'] as const;
type Subject = (typeof SUBJECTS)[number];
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  pattern: ['*'],
  deeper: ['*.lab'],
  both: ['*', '@', 'www', 'a.lab', 'mail'],
  challenges: ['_acme-challenge', '_acme-challenge.www', '_acme-challenge.a.lab', '_acme-challenge.mail'],
};
const ALLOWED: Readonly<Record<string, readonly Subject[]>> = {
  pattern: ['host', 'lab'],
  deeper: ['lab'],
  both: ['@', 'www', 'a.lab', 'host', 'lab'],
  challenges: ['@', 'www', 'a.lab'],
  master: ['@', 'www', 'a.lab', 'host', 'lab'],
};

describeWith(BIND_PROGRAMS, 'certificates of own names', () => {
  let server: EmbeddedServer;
  let counter = 0;

  beforeAll(async () => {
    const hosts = (scope: string) => SCOPES[scope]!.map(at);
    server = await startEmbedded({
      zone: ZONE,
      zoneOptions: { reserved: ['mail'] },
      keys: [
        { name: 'all', algorithm: 'hmac-sha256', secret: keySecret },
        ...Object.keys(SCOPES).map((scope) => ({
          name: `key-${scope}`,
          algorithm: 'hmac-sha256' as const,
          secret: keySecret,
          hosts: hosts(scope),
        })),
      ],
      records: 'www IN A 192.0.2.10\na.lab IN A 192.0.2.11\nalias IN CNAME www\n',
      config: {
        store: 'sqlite:dyndns.db',
        limits: { refused_per_minute_per_source: 0 },
        tokens: Object.keys(SCOPES).flatMap((scope) =>
          [['TXT'], ['A', 'TXT']].map((types) => ({
            name: `${scope}-${types.join('-')}`,
            sha256: sha256(`${scope}${types.join('')}`),
            hosts: hosts(scope),
            types,
          })),
        ),
      },
    });
  });
  afterAll(() => server?.stop());

  /** Doors that write TXT: whether a text was accepted for the challenge of a subject. */
  const DOORS: Readonly<Record<string, (subject: Subject, secret: string, text: string) => Promise<boolean>>> = {
    httpreq: async (subject, secret, value) => {
      const body = JSON.stringify({
        fqdn: at(subject === '@' ? '_acme-challenge' : `_acme-challenge.${subject}`),
        value,
      });
      return (await post('/present', secret, body)).status === 200;
    },
    'httpreq RAW': async (subject, secret, keyAuth) => {
      return (await post('/present', secret, JSON.stringify({ domain: at(subject), keyAuth }))).status === 200;
    },
    'httpreq RAW, wildcard': async (subject, secret, keyAuth) => {
      return (await post('/present', secret, JSON.stringify({ domain: `*.${at(subject)}`, keyAuth }))).status === 200;
    },
    duckdns: async (subject, secret, txt) => {
      const query = new URLSearchParams({ domains: at(subject), token: secret, txt });
      return (await server.dyndns.ask(`/update?${query}`)).body === 'OK';
    },
    freemyip: async (subject, secret, txt) => {
      const query = new URLSearchParams({ domain: at(subject), token: secret, txt });
      return (await server.dyndns.ask(`/update?${query}`)).body === 'OK';
    },
  };
  const post = (path: string, secret: string, body: string) =>
    server.dyndns.ask(path, { method: 'POST', headers: { Authorization: `Bearer ${secret}` }, body });
  const texts = async (subject: Subject) =>
    (await dig(server, [at(subject === '@' ? '_acme-challenge' : `_acme-challenge.${subject}`), 'TXT', '+norecurse']))
      .short;

  const cases = SUBJECTS.flatMap((subject) =>
    [...Object.keys(SCOPES), 'master'].map((scope) => [scope, subject] as const),
  );

  it.each(cases)('%s writes the challenge of %s, or not, at every door', async (scope, subject) => {
    const expected = ALLOWED[scope]!.includes(subject);
    const secrets = scope === 'master' ? [server.secret] : [`${scope}TXT`, `${scope}ATXT`];
    for (const secret of secrets) {
      for (const [door, write] of Object.entries(DOORS)) {
        const before = await texts(subject);
        counter += 1;
        const accepted = await write(subject, secret, `text-${counter}`);
        expect([door, secret, accepted]).toEqual([door, secret, expected]);
        if (!accepted) expect(await texts(subject)).toEqual(before);
      }
    }
    const key = {
      name: scope === 'master' ? 'all' : `key-${scope}`,
      algorithm: 'hmac-sha256',
      secret: keySecret,
    } as const;
    const name = at(subject === '@' ? '_acme-challenge' : `_acme-challenge.${subject}`);
    counter += 1;
    const { code } = await nsupdate(server, key, ZONE, [`update add ${name} 60 TXT "text-${counter}"`]).catch(() => ({
      code: 2,
    }));
    // The zone's own key without `hosts` changes everything.
    expect(code === 0).toBe(expected || scope === 'master');
  });

  it('a refusal is that of a name which the token does not cover', async () => {
    const body = JSON.stringify({ fqdn: `_acme-challenge.${ZONE}`, value: 'x' });
    const { status, body: text } = await post('/present', 'patternTXT', body);
    expect([status, text]).toEqual([
      403,
      `The fully qualified domain name '_acme-challenge.${ZONE}.' could not be split into a record and a zone name.\n`,
    ]);
  });
});

/** Transcripts of clients with one of the Go libraries for the PowerDNS API: external-dns, dnscontrol, Caddy. */
import {
  CHALLENGE,
  done,
  FFLEDGLING_ZONE,
  fail,
  findRrset,
  JOEIG_ZONE,
  MITTWALD_ZONE,
  type PowerdnsTranscript,
  parseJson,
  quoted,
  type RrsetInfo,
  readZone,
  readZones,
  require2xx,
  requireSame,
  type Seen,
  type Step,
  type ZoneInfo,
} from './reading.ts';
import { type GoOptions, go, goEncoded, type Reply, SERVER, ZONE_NAME, ZONE_PATH } from './wire.ts';

// external-dns: two libraries, of which each version has one.

interface Endpoint {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

const OWNED = '"heritage=external-dns,external-dns/owner=default,external-dns/resource=ingress/default/web"';
const REGISTRY: Endpoint = { name: 'a-home', type: 'TXT', content: OWNED };
const address = (content: string): Endpoint => ({ name: 'home', type: 'A', content });

/** Creates, changes and deletes an address and the record of its registry, as the controller does. */
function externalDns(
  client: string,
  sources: PowerdnsTranscript['sources'],
  shape: typeof JOEIG_ZONE,
  send: (method: string, path: string, body?: string) => string,
  patchBody: (zone: ZoneInfo, endpoints: readonly Endpoint[], change: 'REPLACE' | 'DELETE') => string,
): PowerdnsTranscript {
  const zones: Step = {
    request: () => send('GET', `${SERVER}/zones`),
    read: (reply) => {
      require2xx(reply);
      const seen = readZones(reply.body, shape);
      if (seen.zones.length === 0) fail('No matching zones were found');
      return seen;
    },
  };
  const records = (...wanted: readonly Endpoint[]): Step => ({
    request: ({ zones }) => send('GET', `${SERVER}/zones/${zones![0]!.id}`),
    read: (reply) => {
      require2xx(reply);
      const seen = readZone(reply.body, shape);
      for (const { name, type, content } of wanted) requireSame(seen, name, type, 300, [content]);
      return seen;
    },
  });
  const patch = (change: 'REPLACE' | 'DELETE', endpoints: readonly Endpoint[], ...published: string[][]): Step => ({
    request: ({ zones }) => send('PATCH', `${SERVER}/zones/${zones![0]!.id}`, patchBody(zones![0]!, endpoints, change)),
    read: done,
    published: { 'home A': published[0]!, 'a-home TXT': published[1]! },
  });
  const [before, after] = [address('192.0.2.10'), address('192.0.2.11')];
  return {
    client,
    sources,
    steps: [
      ...[zones, records(), zones, patch('REPLACE', [REGISTRY, before], ['192.0.2.10'], [OWNED])],
      ...[zones, records(before, REGISTRY), zones, patch('REPLACE', [REGISTRY, after], ['192.0.2.11'], [OWNED])],
      ...[zones, records(after, REGISTRY), zones, patch('DELETE', [REGISTRY, after], [], [])],
    ],
  };
}

const absolute = ({ name }: Endpoint) => `${name}.${ZONE_NAME}`;
export const EXTERNAL_DNS = externalDns(
  'external-dns 0.22',
  [
    ['kubernetes-sigs/external-dns', 'provider/pdns/pdns.go', 'eca6bf78e22adf540dbf0003c7cbe1b3313ba337'],
    ['joeig/go-powerdns', 'records.go', 'b6e7d023d73d7fe8beb92455d6624d72632511b1'],
    ['joeig/go-powerdns', 'powerdns.go', '0bda3107a1659981adfa7ae34a25f2b6db6b645e'],
  ],
  JOEIG_ZONE,
  (method, path, body) => {
    const headers = ['Accept: application/json', 'Content-Type: application/json'];
    return go(method, path, { userAgent: 'go-powerdns', ...(body === undefined ? {} : { headers, body }) });
  },
  (_zone, endpoints, changetype) =>
    goEncoded({
      rrsets: endpoints.map((endpoint) => ({
        name: absolute(endpoint),
        type: endpoint.type,
        ...(changetype === 'REPLACE' ? { ttl: 300 } : {}),
        changetype,
        records: [{ content: endpoint.content, disabled: false }],
      })),
    }),
);

/** A GET has a Content-Type and no body; a PATCH repeats the zone of the list. */
export const OLD_EXTERNAL_DNS = externalDns(
  'external-dns up to 0.21',
  [
    ['kubernetes-sigs/external-dns', 'provider/pdns/pdns.go', 'ecb88cfbd5679850470d6acea9e4f8b79ade6fff'],
    ['ffledgling/pdns-go', 'zones_api.go', '6760b1b7b0cb2b98bb071a9a0b10257b6afc07e2'],
    ['ffledgling/pdns-go', 'zone.go', 'd95f05e1f9cf43c2762b098be08f782d25b1dc55'],
  ],
  FFLEDGLING_ZONE,
  (method, path, body) =>
    go(method, path, {
      userAgent: 'Swagger-Codegen/1.0.0/go',
      headers: ['Accept: application/json', 'Content-Type: application/json'],
      ...(body === undefined ? {} : { body }),
    }),
  (zone, endpoints, changetype) => {
    const rrsets = endpoints.map((endpoint) => ({
      name: absolute(endpoint),
      type: endpoint.type,
      ttl: changetype === 'REPLACE' ? 300 : 0,
      changetype,
      records: [{ content: endpoint.content }],
    }));
    const { id, name, type, url, kind, serial, notified_serial, edited_serial, account } = zone;
    const fields = { id, name, type, url, kind, rrsets, serial, notified_serial, edited_serial, account };
    // Zero values are left out.
    return goEncoded(Object.fromEntries(Object.entries(fields).filter(([, value]) => value)));
  },
);

// Clients of mittwald/go-powerdns: dnscontrol, Caddy.

const MITTWALD = [
  ['mittwald/go-powerdns', 'apis/zones/zones_addrecordset.go', 'd57738d2b42f4c70fd5338a080bc1e8846084ccd'],
  ['mittwald/go-powerdns', 'apis/zones/types_zone.go', '8b93084d331ceabfb51fcb0cd81bd0773183d842'],
  ['mittwald/go-powerdns', 'pdnshttp/client.go', '0b5137faea1163b9b0d361a26d8913d92082d678'],
] as const;

/** An error's text is read only if the type is exactly application/json. */
function mittwaldRead(reply: Reply): void {
  if (reply.status === 404) fail('not found');
  if (reply.status < 400) return;
  const isJson = /\r\ncontent-type: application\/json\r\n/i.test(`${reply.head}\r\n`);
  fail(isJson ? (parseJson(reply.body) as { readonly error: string }).error : reply.body);
}

/** A change is a zone with an empty name. */
function mittwaldPatch(rrsets: readonly object[]): GoOptions {
  const body = goEncoded({ name: '', type: 'Zone', rrsets, nameservers: [] });
  return { headers: ['Content-Type: application/json'], body };
}

const mittwaldZone = (check: (seen: Seen) => void = () => {}): Step => ({
  request: ({ zones }) => go('GET', `${SERVER}/zones/${zones?.[0]?.id ?? ZONE_NAME}`),
  read: (reply) => {
    mittwaldRead(reply);
    const seen = readZone(reply.body, MITTWALD_ZONE);
    check(seen);
    return seen;
  },
});

export function dnscontrol(): PowerdnsTranscript {
  const patch = (rrsets: readonly object[], published: Step['published']): Step => ({
    request: () => go('PATCH', ZONE_PATH, mittwaldPatch(rrsets)),
    read: (reply) => {
      mittwaldRead(reply);
      return {};
    },
    published: published!,
  });
  const set = (name: string, type: string, ...contents: readonly string[]) => ({
    name: `${name}.${ZONE_NAME}`,
    type,
    ttl: 600,
    changetype: 'REPLACE',
    records: contents.map((content) => ({ content, disabled: false })),
    comments: null,
  });
  const gone = (name: string, type: string) => ({
    name: `${name}.${ZONE_NAME}`,
    type,
    ttl: 0,
    changetype: 'DELETE',
    records: null,
    comments: null,
  });
  const long = `${quoted('y'.repeat(255))} ${quoted('y'.repeat(20))}`;
  return {
    client: 'dnscontrol 4.40',
    sources: [
      ['StackExchange/dnscontrol', 'providers/powerdns/diff.go', '037df27148913c257cd9a4c8fe9b239c3ff6730e'],
      ['StackExchange/dnscontrol', 'providers/powerdns/dns.go', '323d4e12a48fa728a96d2f479b368156a20463de'],
      ...MITTWALD,
    ],
    steps: [
      mittwaldZone(),
      patch([set('home', 'A', '192.0.2.20'), set('home', 'TXT', quoted('v=spf1 -all'), long)], {
        'home A': ['192.0.2.20'],
        'home TXT': [quoted('v=spf1 -all'), long],
      }),
      mittwaldZone((seen) => requireSame(seen, 'home', 'TXT', 600, [quoted('v=spf1 -all'), long])),
      // All deletions in one request, then all changes in another one.
      patch([gone('home', 'TXT')], { 'home TXT': [] }),
      // Without the quotes, which PowerDNS refuses.
      patch([set('home', 'A', '192.0.2.21'), set('home', 'HTTPS', '1 . alpn=h3,h2')], {
        'home A': ['192.0.2.21'],
        'home HTTPS': ['1 . alpn="h3,h2"'],
      }),
      mittwaldZone((seen) => requireSame(seen, 'home', 'A', 600, ['192.0.2.21'])),
      patch([gone('home', 'A'), gone('home', 'HTTPS')], { 'home A': [], 'home HTTPS': [] }),
    ],
  };
}

export function caddy(): PowerdnsTranscript {
  const list: Step = {
    request: () => go('GET', `${SERVER}/zones?zone=${ZONE_NAME}`),
    read: (reply) => {
      mittwaldRead(reply);
      const seen = readZones(reply.body, MITTWALD_ZONE);
      if (seen.zones.length !== 1) fail('zone not found');
      return seen;
    },
  };
  const patch = (rrset: (before: RrsetInfo | undefined) => object, ...texts: readonly string[]): Step => ({
    request: (seen) => {
      const before = findRrset(seen, '_acme-challenge.home', 'TXT');
      return go('PATCH', `${SERVER}/zones/${seen.zone!.id}`, mittwaldPatch([rrset(before)]));
    },
    read: (reply) => {
      mittwaldRead(reply);
      return {};
    },
    published: { '_acme-challenge.home TXT': texts.map(quoted) },
  });
  const head = { name: CHALLENGE, type: 'TXT' };
  const record = (text: string) => ({ content: quoted(text), disabled: false });
  return {
    client: 'Caddy, libdns/powerdns',
    sources: [
      ['libdns/powerdns', 'client.go', 'c74be6d8cd6061b7c11f16750c3bc459397ffcd3'],
      ['libdns/powerdns', 'provider.go', 'd04c3c3e9352b6f2bff9d22e3c41fbbf39a92256'],
      ...MITTWALD,
    ],
    steps: [
      list,
      mittwaldZone(),
      // Caddy sets no TTL.
      patch(() => ({ ...head, ttl: 0, changetype: 'REPLACE', records: [record('first')], comments: null }), 'first'),
      list,
      mittwaldZone(),
      patch(
        (before) => ({
          ...head,
          ttl: 0,
          changetype: 'REPLACE',
          records: [...before!.records, record('second')],
          comments: before!.comments ?? null,
        }),
        'first',
        'second',
      ),
      list,
      mittwaldZone(),
      patch(
        (before) => ({
          ...head,
          ttl: before!.ttl,
          changetype: 'REPLACE',
          records: before!.records.filter(({ content }) => content !== quoted('first')),
          comments: before!.comments ?? null,
        }),
        'second',
      ),
      list,
      mittwaldZone(),
      // The library makes a REPLACE of what was a DELETE.
      patch((before) => ({
        ...head,
        ttl: before!.ttl,
        changetype: 'REPLACE',
        records: [],
        comments: before!.comments ?? null,
      })),
    ],
  };
}

/** Transcripts of clients for certificates: acme.sh, lego, certbot-dns-powerdns. */
import {
  CHALLENGE,
  done,
  fail,
  findRrset,
  HOME,
  PLAIN_ZONE,
  type PowerdnsTranscript,
  parseJson,
  quoted,
  type RrsetInfo,
  readZone,
  require2xx,
  type Seen,
  type Step,
} from './reading.ts';
import { curl, go, goEncoded, python, pythonJson, type Reply, SERVER, ZONE, ZONE_NAME, ZONE_PATH } from './wire.ts';

const nothing = (): Seen => ({});

// acme.sh: dnsapi/dns_pdns.sh, with curl or wget.

/** Its sed: no spaces before the colons of texts and lists, one line. */
const normalized = (body: string) =>
  body
    .replaceAll(/" *: *(["{[])/g, '":$1')
    .replaceAll(/^ *([^ ])/gm, '$1')
    .replaceAll(/[\r\n]/g, '');

/** Its egrep and sed: the contents of the first RRset that begins with the name, up to the first `]`. */
function acmeShChallenges(body: string): readonly string[] {
  const rrset = /"name":"_acme-challenge.home.dyn.example.com[^\]]*}/.exec(normalized(body))?.[0] ?? '';
  return [...rrset.matchAll(/content":"\\"([^\\]*)/g)].map(([, text]) => text!);
}

export function acmeSh(client: string, commit: string, probes: boolean, notify: () => string): PowerdnsTranscript {
  const records = (texts: readonly string[]) =>
    texts.map((text) => `{"content": "\\"${text}\\"", "disabled": false}`).join(', ');
  const replace = (texts: readonly string[]) =>
    `{"rrsets": [{"changetype": "REPLACE", "name": "${CHALLENGE}", "type": "TXT", "ttl": 60, "records": [${records(texts)}]}]}`;
  const root = (name: string, isZone: boolean): Step => ({
    request: () => curl('GET', `${SERVER}/zones${probes ? `?zone=${name}` : ''}`),
    read: ({ body }) => {
      if (normalized(body).includes(`"name":"${name}"`) !== isZone) fail(isZone ? 'invalid domain' : 'a wrong zone');
      return {};
    },
  });
  const roots = [...(probes ? [root(CHALLENGE, false), root(HOME, false)] : []), root(ZONE_NAME, true)];
  const list = (...expected: readonly string[]): Step => ({
    request: () => curl('GET', ZONE_PATH),
    read: ({ body }) => {
      const found = [...acmeShChallenges(body)].sort().join();
      if (found !== expected.join()) fail(`it finds ${found}, not ${expected}`);
      return {};
    },
  });
  const change = (body: string, ...texts: readonly string[]): Step => ({
    request: () => curl('PATCH', ZONE_PATH, body),
    read: nothing,
    published: { '_acme-challenge.home TXT': texts.map(quoted) },
  });
  const told: Step = { request: notify, read: nothing };
  const remove = `{"rrsets": [{"changetype": "DELETE", "name": "${CHALLENGE}", "type": "TXT"}]}`;
  return {
    client,
    sources: [
      ['acmesh-official/acme.sh', 'dnsapi/dns_pdns.sh', commit],
      ['acmesh-official/acme.sh', 'acme.sh', 'd60c75b4e30a26addd8b9d0bfdeeed39c84ed51e'],
    ],
    steps: [
      ...[...roots, list(), change(replace(['first']), 'first'), told],
      ...[...roots, list('first'), change(replace(['second', 'first']), 'first', 'second'), told],
      ...[...roots, list('first', 'second'), change(remove), change(replace(['second']), 'second'), told],
      ...[...roots, list('second'), change(remove), told],
    ],
    ignoresStatus: true,
  };
}

// lego.

const legoRead = (reply: Reply): unknown => {
  if (reply.status !== 422) require2xx(reply);
  if (reply.body === '') return undefined;
  const message = parseJson(reply.body) as { readonly error?: unknown };
  if (!Array.isArray(message) && typeof message.error === 'string' && message.error !== '') fail(message.error);
  return message;
};

export function lego(): PowerdnsTranscript {
  const headers = (method: string) => [
    'Accept: application/json',
    ...(method === 'GET' ? [] : ['Content-Type: application/json']),
  ];
  const send = (method: string, path: string, body?: string) =>
    go(method, path, {
      userAgent: 'Go-http-client/1.1',
      headers: headers(method),
      ...(body === undefined ? {} : { body }),
    });
  const version: Step = {
    request: () => send('GET', '/api'),
    read: (reply) => {
      const versions = legoRead(reply) as readonly { readonly version?: unknown }[];
      if (!versions.some(({ version }) => version === 1)) fail('API version 0: it would send names without the dot');
      return {};
    },
  };
  const zone: Step = {
    request: () => send('GET', ZONE_PATH),
    read: (reply) => {
      legoRead(reply);
      return readZone(reply.body, PLAIN_ZONE);
    },
  };
  const patch = (build: (before: RrsetInfo | undefined) => object, ...texts: readonly string[]): Step => ({
    request: (seen) =>
      send(
        'PATCH',
        `${SERVER}/zones/${seen.zone!.id}`,
        goEncoded({ rrsets: [build(findRrset(seen, '_acme-challenge.home', 'TXT'))] }),
      ),
    read: (reply) => {
      legoRead(reply);
      return {};
    },
    published: { '_acme-challenge.home TXT': texts.map(quoted) },
  });
  const head = { name: CHALLENGE, type: 'TXT' };
  const old = (before: RrsetInfo | undefined) =>
    (before?.records ?? []).map(({ content, disabled }) => ({ content, disabled, name: '', type: '' }));
  const add = (text: string) => (before: RrsetInfo | undefined) => ({
    ...head,
    kind: 'Master',
    changetype: 'REPLACE',
    records: [...old(before), { content: quoted(text), disabled: false, name: CHALLENGE, type: 'TXT', ttl: 120 }],
    ttl: 120,
  });
  const keep = (text: string) => (before: RrsetInfo | undefined) => ({
    ...head,
    kind: '',
    changetype: 'REPLACE',
    records: old(before).filter(({ content }) => content !== quoted(text)),
    ttl: 120,
  });
  return {
    client: 'lego 5.3',
    sources: [
      ['go-acme/lego', 'providers/dns/pdns/internal/client.go', '2f089d3603854f9a581d8ae3705644dacaac58a6'],
      ['go-acme/lego', 'providers/dns/pdns/pdns.go', 'c40c0a2a458a2dc77daaced6cb94a86e253dc8c1'],
    ],
    steps: [
      ...[version, zone, patch(add('first'), 'first'), zone, patch(add('second'), 'first', 'second')],
      ...[zone, patch(keep('first'), 'second'), zone, patch(() => ({ ...head, kind: '', changetype: 'DELETE' }))],
    ],
  };
}

// certbot-dns-powerdns, which uses lexicon, with a zone that it must guess.

export function certbot(): PowerdnsTranscript {
  const send = (method: string, path: string, value: object = {}) =>
    python(method, path, { userAgent: 'python-requests/2.28.1', body: pythonJson(value) });
  const guess: Step = {
    request: () => send('GET', `${SERVER}/zones/${HOME}`),
    read: ({ status, head }) =>
      /^HTTP\/1\.1 (404 Not Found|422 )/.test(head) ? {} : fail(`status ${status} ends the search for the zone`),
  };
  const zone: Step = {
    request: () => send('GET', ZONE_PATH),
    read: (reply) => {
      require2xx(reply);
      const seen = readZone(reply.body, PLAIN_ZONE);
      if (typeof seen.zone.kind !== 'string') fail("KeyError: 'kind'");
      for (const { records } of seen.zone.rrsets ?? fail("KeyError: 'rrsets'")) {
        for (const { disabled } of records) if (typeof disabled !== 'boolean') fail("KeyError: 'disabled'");
      }
      return seen;
    },
  };
  const patch = (rrset: (before: RrsetInfo | undefined) => object, ...texts: readonly string[]): Step => ({
    request: (seen) => send('PATCH', ZONE_PATH, { rrsets: [rrset(findRrset(seen, '_acme-challenge.home', 'TXT'))] }),
    read: done,
    published: { '_acme-challenge.home TXT': texts.map(quoted) },
  });
  // Only for the kind Master; without the final dot.
  const notify: Step = { request: () => send('PUT', `${SERVER}/zones/${ZONE}/notify`), read: done };
  const create = (text: string) => (before: RrsetInfo | undefined) => ({
    name: CHALLENGE,
    type: 'TXT',
    records: [
      { content: quoted(text), disabled: false },
      ...(before?.records ?? []).map(({ content, disabled }) => ({ content, disabled })),
    ],
    ttl: before?.ttl ?? 60,
    changetype: 'REPLACE',
  });
  // The RRset as it was read, without comments.
  const remove = (text: string) => (before: RrsetInfo | undefined) => {
    const { comments: _, ...rrset } = before!;
    const records = rrset.records.filter(({ content }) => content !== quoted(text));
    return { ...rrset, records, changetype: 'REPLACE' };
  };
  return {
    client: 'certbot-dns-powerdns 0.2.1, lexicon',
    sources: [
      [
        'pan-net-security/certbot-dns-powerdns',
        'certbot_dns_powerdns/dns_powerdns.py',
        '424228d17daadc22c25318ca0ccbd3d81b589920',
      ],
      ['dns-lexicon/dns-lexicon', 'lexicon/providers/powerdns.py', 'v3.11.7'],
    ],
    steps: [
      ...[guess, zone, patch(create('first'), 'first'), notify],
      ...[guess, zone, patch(create('second'), 'first', 'second'), notify],
      ...[guess, zone, patch(remove('first'), 'second'), notify],
      ...[guess, zone, patch(remove('second')), notify],
    ],
  };
}

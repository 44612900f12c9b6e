/**
 * The transcripts of clients of the PowerDNS API, played octet by octet on our server and on a real PowerDNS. Each reply is
 * read as the client reads it, and DNS is queried after each change.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import { dig, type ServerAddress } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { exchangeRaw, parseRaw } from '../support/http-client.ts';
import { describeWith, POWERDNS_PROGRAMS } from '../support/require-server.ts';
import { ClientFailure, type PowerdnsTranscript, type Seen } from './powerdns/reading.ts';
import { POWERDNS_KEY, type PowerdnsApi, startPowerdnsApi } from './powerdns/real-api.ts';
import { ZONE } from './powerdns/wire.ts';
import { POWERDNS_TRANSCRIPTS } from './powerdns-transcripts.ts';

const RECORDS = 'www IN A 192.0.2.80\n';
const DIG = [{ command: 'dig', debianPackage: 'bind9-dnsutils' }];
const TYPES = ['A', 'AAAA', 'TXT', 'CNAME', 'MX', 'SRV', 'CAA', 'SSHFP', 'HTTPS'];
const LABELS = ['home', 'a-home', '_acme-challenge.home', 'alias.home', '_sip._tcp.home'];

/** RDATA by label and type, with one run of dig. */
async function published(server: ServerAddress, rrsets: readonly string[]): Promise<Record<string, readonly string[]>> {
  const asked = rrsets.map((rrset) => rrset.split(' ') as [string, string]);
  const queries = asked.flatMap(([label, type]) => [`${label}.${ZONE}`, type]);
  const { answers } = await dig(server, ['+norecurse', '+noall', '+answer', ...queries]);
  const rdataOf = (label: string, type: string) =>
    answers
      .filter((answer) => answer.ownerName === `${label}.${ZONE}.` && answer.type === type)
      .map(({ rdata }) => rdata);
  return Object.fromEntries(
    asked.map(([label, type]) => [`${label} ${type}`, [...new Set(rdataOf(label, type))].sort()]),
  );
}

/** Every record that a transcript may leave behind. */
async function leftovers(dns: ServerAddress): Promise<readonly string[]> {
  const rrsets = LABELS.flatMap((label) => TYPES.map((type) => `${label} ${type}`));
  return Object.values(await published(dns, rrsets)).flat();
}

/**
 * Sends all requests in order.
 * @param dns where each change is looked up; undefined: nowhere
 * @returns the method of the request whose reply stopped the client; undefined: none did
 */
async function play(
  { steps }: PowerdnsTranscript,
  httpPort: number,
  key: string,
  dns?: ServerAddress,
): Promise<{ readonly stoppedAt: string; readonly complaint: string } | undefined> {
  let seen: Seen = {};
  for (const { request, read, published: wanted } of steps) {
    const octets = request(seen).replace('KEY', key);
    const reply = parseRaw(await exchangeRaw(httpPort, Buffer.from(octets, 'latin1'), true));
    try {
      seen = { ...seen, ...read(reply) };
    } catch (error) {
      if (!(error instanceof ClientFailure)) throw error;
      return { stoppedAt: octets.split(' ')[0]!, complaint: error.message };
    }
    if (dns === undefined || wanted === undefined) continue;
    const sorted = Object.fromEntries(Object.entries(wanted).map(([rrset, rdata]) => [rrset, [...rdata].sort()]));
    expect(await published(dns, Object.keys(wanted))).toEqual(sorted);
  }
  return undefined;
}

describe('the transcripts', () => {
  it('each says which file of which commit it was taken from', () => {
    for (const source of POWERDNS_TRANSCRIPTS.flatMap(({ sources }) => sources)) {
      expect(source.join(' ')).toMatch(/^[\w.-]+\/[\w.-]+ \S+ ([0-9a-f]{40}|v[\d.]+)$/);
    }
    expect(POWERDNS_TRANSCRIPTS.every(({ sources }) => sources.length > 0)).toBe(true);
  });
});

describeWith(POWERDNS_PROGRAMS, 'played on PowerDNS', () => {
  let powerdns: PowerdnsApi;

  beforeAll(async () => {
    powerdns = await startPowerdnsApi(RECORDS);
  }, 30_000);

  afterAll(() => powerdns?.stop());

  it.each(POWERDNS_TRANSCRIPTS)('$client', { timeout: 15_000 }, async (transcript) => {
    expect(await play(transcript, powerdns.httpPort, POWERDNS_KEY, powerdns)).toBeUndefined();
    expect(await leftovers(powerdns)).toEqual([]);
  });

  it('each client notices a wrong key', async () => {
    for (const transcript of POWERDNS_TRANSCRIPTS) {
      expect((await play(transcript, powerdns.httpPort, 'wrong'))?.stoppedAt, transcript.client).toBe('GET');
    }
  });
});

describeWith(DIG, 'played on our server', () => {
  let server: EmbeddedServer;
  const serial = async () => (await dig(server, [ZONE, 'SOA', '+norecurse'])).short[0]?.split(' ')[2];

  beforeAll(async () => {
    const token = (name: string, hosts: readonly string[]) => ({
      name,
      sha256: tokenSha256(`secret-of-${name}`),
      hosts: hosts.map((host) => `${host}.${ZONE}`),
      types: TYPES,
    });
    server = await startEmbedded({
      zone: ZONE,
      records: RECORDS,
      config: {
        store: 'sqlite:dyndns.db',
        admin: { enabled: true, powerdns_api: true },
        limits: { refused_per_minute_per_source: 0 },
        tokens: [token('home', ['home', '*.home', 'a-home']), token('other', ['other'])],
      },
    });
  }, 30_000);

  afterAll(() => server?.stop());

  it.each(POWERDNS_TRANSCRIPTS)('$client', { timeout: 15_000 }, async (transcript) => {
    expect(await play(transcript, server.dyndns.port, 'secret-of-home', server)).toBeUndefined();
    expect(await leftovers(server)).toEqual([]);
  });

  it('each client notices a wrong key, before it changes anything', async () => {
    const before = await serial();
    for (const transcript of POWERDNS_TRANSCRIPTS) {
      const stop = await play(transcript, server.dyndns.port, 'wrong');
      expect([transcript.client, stop?.stoppedAt]).toEqual([transcript.client, 'GET']);
    }
    expect(await serial()).toBe(before);
  });

  it('each client notices that its key may not change the name; acme.sh only when it looks again', async () => {
    const before = await serial();
    for (const transcript of POWERDNS_TRANSCRIPTS) {
      const stop = await play(transcript, server.dyndns.port, 'secret-of-other');
      const expected = transcript.ignoresStatus ? 'GET' : 'PATCH';
      expect([transcript.client, stop?.stoppedAt, stop?.complaint]).toEqual([
        transcript.client,
        expected,
        expect.stringMatching(/./),
      ]);
    }
    expect(await serial()).toBe(before);
    expect(await leftovers(server)).toEqual([]);
  });
});

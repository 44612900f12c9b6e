/**
 * Compares answers of a signed zone with those of BIND that serves the same records: same queries, most of them with DO, same replies
 * except the differences of accepted.ts and signed-accepted.ts. DIFFERENTIAL_SEED=n sends other queries.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { ednsRecord } from '../../src/dns/wire/edns.ts';
import { encodeMessage, makeMessage, Opcode } from '../../src/dns/wire/message.ts';
import type { ZoneEdit } from '../../src/dns/zone-change.ts';
import { parseZoneFile } from '../../src/dns/zone-file/zone-file.ts';
import { TcpListener } from '../../src/nameserver/sockets/tcp-listener.ts';
import { UdpListener } from '../../src/nameserver/sockets/udp-listener.ts';
import type { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import { isSignerType } from '../../src/nameserver/zone/signer-types.ts';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/installation.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { queryService } from '../support/query-service.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { signedZone, zoneFileOf } from '../support/signed-zone.ts';
import { ACCEPTED } from './accepted.ts';
import { compareServers, formatAccepted, formatDifferences, judge } from './comparison.ts';
import { startDifferentialBindWith } from './peers.ts';
import { makeQueries, type Query } from './queries.ts';
import { type Random, seededRandom } from './random.ts';
import { SIGNED_ACCEPTED } from './signed-accepted.ts';
import { APEX, RECORDS, ZONE } from './zone.ts';

const QUERIES = 20_000;
const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);

function signed(chain: 'nsec' | 'nsec3'): EmbeddedZone {
  const records = parseZoneFile(RECORDS, { origin: APEX, defaultTtl: 300 });
  const edits = records
    .filter(({ type }) => !isSignerType(type))
    .map(({ ownerName, type, ttl, rdata }): ZoneEdit => {
      return { kind: 'add-to-rrset', rrset: { ownerName, type, ttl, rdatas: [rdata] } };
    });
  return signedZone(ZONE, { chain }, { edits });
}

async function serve(zone: EmbeddedZone) {
  const service = queryService([zone]);
  const port = await freePort();
  const faults: unknown[] = [];
  const udp = new UdpListener(service, (fault) => faults.push(fault));
  const tcp = new TcpListener(service, (fault) => faults.push(fault));
  await udp.open('127.0.0.1', port);
  await tcp.open('127.0.0.1', port);
  return {
    host: '127.0.0.1',
    port,
    faults,
    stop: async () => {
      await Promise.all([udp.close(0), tcp.close(0)]);
    },
  };
}

/** Queries of accepted forms, most of them with DO; some for owner names of NSEC3 records, and names below them. */
function signedQueries(random: Random, zone: EmbeddedZone): readonly Query[] {
  const hashed = [...zone.published.nodes.values()]
    .filter(({ signerRRsets = [] }) => signerRRsets.some(({ type }) => type === RRType.NSEC3))
    .map(({ wireText }) => DomainName.ofWire(Buffer.from(wireText, 'latin1')));
  const isPlain = ({ message }: Query) => {
    const [question] = message.questions;
    const isData = question !== undefined && (question.qtype < 128 || question.qtype >= RRType.ANY);
    return (
      message.opcode === Opcode.QUERY &&
      message.questions.length === 1 &&
      isData &&
      question.qtype !== RRType.OPT &&
      question.qclass === RRClass.IN
    );
  };
  return makeQueries(random, QUERIES)
    .filter(isPlain)
    .map((query) => {
      const { message } = query;
      const dnssecOk = random.chance(0.85);
      const udpPayloadSize = random.pick([512, 1232, 1232, 1232, 4096]);
      let [{ qname, qtype }] = message.questions as [Query['message']['questions'][number]];
      if (hashed.length > 0 && random.chance(0.05)) {
        qname = random.pick(hashed);
        if (random.chance(0.3)) qname = qname.prepend('x');
      }
      if (random.chance(0.1))
        qtype = random.pick([RRType.RRSIG, RRType.NSEC, RRType.NSEC3, RRType.DS, RRType.DNSKEY, RRType.NSEC3PARAM]);
      const changed = makeMessage({
        ...message,
        questions: [{ qname, qtype, qclass: RRClass.IN }],
        additional: [ednsRecord({ dnssecOk, udpPayloadSize })],
      });
      const text = `${qtype} ${qname} ${query.transport} ${udpPayloadSize}${dnssecOk ? ' do' : ''}`;
      return { ...query, message: changed, octets: encodeMessage(changed), text };
    });
}

describeWith(BIND_PROGRAMS, 'a signed zone beside BIND', () => {
  const servers: Pick<PrimaryServer, 'stop'>[] = [];
  const used = new Set<string>();
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it.each(['nsec3', 'nsec'] as const)(
    'answers with %s as BIND does, except for the accepted differences',
    { timeout: 60_000 },
    async (chain) => {
      const zone = signed(chain);
      const ours = await serve(zone);
      servers.push(ours);
      const bind = await startDifferentialBindWith(zoneFileOf(zone.published));
      servers.push(bind);
      const comparison = await compareServers(ours, bind, signedQueries(seededRandom(SEED), zone));
      const verdict = judge(comparison, [...SIGNED_ACCEPTED, ...ACCEPTED]);
      console.log(`accepted differences of ${comparison.queries} replies, seed ${SEED}:\n${formatAccepted(verdict)}`);
      expect(ours.faults).toEqual([]);
      expect(formatDifferences(verdict.unexplained)).toBe('');
      for (const row of SIGNED_ACCEPTED) if (verdict.accepted.get(row)! > 0) used.add(row.name);
    },
  );

  // With another seed a rare difference may not occur.
  it.runIf(SEED === 1)('needs every row of the accepted differences', () => {
    expect(SIGNED_ACCEPTED.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('docs/standards.md', () => {
  it('lists the same accepted differences', () => {
    const document = readFileSync(join(REPOSITORY, 'docs/standards.md'), 'utf8');
    const rows = SIGNED_ACCEPTED.map(({ name, reason, standard }) => `| ${name} | ${reason} | ${standard} |\n`).join(
      '',
    );
    expect(document).toContain(rows);
  });
});

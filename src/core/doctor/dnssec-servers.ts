/** `dyndns doctor`: the keys and signatures of a zone as each of its nameservers serves them. */
import type { DomainName } from '../../dns/name.ts';
import { type DnskeyFields, type DsFields, type Rdata, type ResourceRecord, RRType } from '../../dns/rdata.ts';
import type { SignedRRset } from './dnssec-signature.ts';
import type { NameserverAt } from './nameservers.ts';
import type { Lookup, LookupReply } from './ports.ts';

export interface ServerView {
  /** The name and the address, for texts. */
  readonly at: string;
  readonly dnskeys: readonly DnskeyFields[];
  readonly cds: readonly DsFields[];
  readonly dnskeyRRset: SignedRRset;
  readonly soaRRset: SignedRRset;
}

/** Limit of addresses that are queried. */
const MAX_SERVERS = 16;
/** Limit of records that are read of one RRset. */
const MAX_RECORDS = 20;

/** Those of the nameservers that answer. */
export async function viewServers(
  zone: DomainName,
  servers: readonly NameserverAt[],
  lookup: Lookup,
): Promise<readonly ServerView[]> {
  const views = await Promise.all(
    servers.slice(0, MAX_SERVERS).map(async ({ name, address }) => {
      const [keys, soa, cds] = await Promise.all(
        [RRType.DNSKEY, RRType.SOA, RRType.CDS].map((type) => lookup.query(address, 'udp', zone, type, true)),
      );
      if (keys?.kind !== 'reply' || soa?.kind !== 'reply' || soa.rcode !== 'NOERROR' || !soa.authoritative) return [];
      return [
        {
          at: `${name} at ${address.text}`,
          dnskeys: recordsOf(keys, zone, RRType.DNSKEY).flatMap(({ rdata }) =>
            rdata.kind === 'DNSKEY' ? [rdata] : [],
          ),
          cds: cds?.kind === 'reply' ? announced(cds, zone) : [],
          dnskeyRRset: signedRRset(keys, zone, RRType.DNSKEY),
          soaRRset: signedRRset(soa, zone, RRType.SOA),
        },
      ];
    }),
  );
  return views.flat();
}

function announced(reply: LookupReply, zone: DomainName): DsFields[] {
  return recordsOf(reply, zone, RRType.CDS).flatMap(({ rdata }) => (rdata.kind === 'CDS' ? [rdata] : []));
}

function recordsOf({ answers }: LookupReply, zone: DomainName, type: number): ResourceRecord[] {
  return answers.filter((record) => record.type === type && record.ownerName.equals(zone)).slice(0, MAX_RECORDS);
}

function signedRRset(reply: LookupReply, zone: DomainName, type: number): SignedRRset {
  const records = recordsOf(reply, zone, type);
  const isSignature = (rdata: Rdata) => rdata.kind === 'RRSIG' && rdata.typeCovered === type;
  const signatures = recordsOf(reply, zone, RRType.RRSIG).flatMap(({ rdata }) =>
    isSignature(rdata) && rdata.kind === 'RRSIG' ? [rdata] : [],
  );
  const [first] = records;
  const rrset = first && { ownerName: zone, type, ttl: first.ttl, rdatas: records.map(({ rdata }) => rdata) };
  return { rrset, signatures };
}

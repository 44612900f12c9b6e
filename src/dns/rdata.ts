/**
 * RR types, classes and RDATA as a tagged union (RFC 1035 §3.3 and the RFC of each type).
 *
 * `kind` is the type's mnemonic; `unknown` is a type without a structure here, stored as octets (RFC 3597); `empty` is
 * RDATA of length 0 in records of class ANY or NONE of an UPDATE (RFC 2136 §2.4, §2.5). The wire form is in
 * `wire/rdata-codec.ts`.
 */
import type { DomainName } from './name.ts';

/** RR types and QTYPEs by mnemonic (IANA "Resource Record (RR) TYPEs"). */
export const RRType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  SVCB: 64,
  HTTPS: 65,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const;

/** Classes (RFC 1035 §3.2.4; NONE: RFC 2136 §1.3). */
export const RRClass = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

/** Types with a mnemonic and without a structure in this file (IANA, as above). */
const UNSTRUCTURED_TYPES = {
  ...{
    MD: 3,
    MF: 4,
    MB: 7,
    MG: 8,
    MR: 9,
    NULL: 10,
    WKS: 11,
    HINFO: 13,
    MINFO: 14,
    RP: 17,
    AFSDB: 18,
    X25: 19,
    ISDN: 20,
  },
  ...{ RT: 21, NSAP: 22, 'NSAP-PTR': 23, SIG: 24, KEY: 25, PX: 26, GPOS: 27, LOC: 29, NXT: 30, EID: 31, NIMLOC: 32 },
  ...{ ATMA: 34, KX: 36, CERT: 37, A6: 38, SINK: 40, APL: 42, IPSECKEY: 45, DHCID: 49, SMIMEA: 53, HIP: 55, NINFO: 56 },
  ...{
    RKEY: 57,
    TALINK: 58,
    OPENPGPKEY: 61,
    CSYNC: 62,
    ZONEMD: 63,
    DSYNC: 66,
    HHIT: 67,
    BRID: 68,
    SPF: 99,
    NID: 104,
    L32: 105,
    L64: 106,
    LP: 107,
  },
  ...{ EUI48: 108, EUI64: 109, TKEY: 249, MAILB: 253, MAILA: 254, URI: 256, AVC: 258, DOA: 259, AMTRELAY: 260 },
  ...{ RESINFO: 261, WALLET: 262, TA: 32_768, DLV: 32_769 },
};

const CODES = new Map<string, number>(Object.entries({ ...RRType, ...UNSTRUCTURED_TYPES }));
const MNEMONICS = new Map<number, string>([...CODES].map(([mnemonic, code]) => [code, mnemonic]));

/** `A`, `AAAA`, …, or `TYPE65280` for a type without a mnemonic in this file (RFC 3597 §5). */
export function formatRRType(type: number): string {
  return MNEMONICS.get(type) ?? `TYPE${type}`;
}

/** The number of a type from its mnemonic or `TYPE65280`, in any case; undefined if the text is neither. */
export function parseRRType(text: string): number | undefined {
  const code = CODES.get(text) ?? CODES.get(text.toUpperCase());
  if (code !== undefined) return code;
  const digits = /^TYPE(\d{1,5})$/i.exec(text)?.[1];
  return digits === undefined || Number(digits) > 0xffff ? undefined : Number(digits);
}

/** QTYPEs and meta-TYPEs, which are never zone data (RFC 6895 §3.1, RFC 2136 §3.4.1.2). */
export function isMetaType(type: number): boolean {
  return type === RRType.OPT || (type >= 128 && type <= 255);
}

/**
 * The types that describe a host or a service: those that a client may change. Never SOA, NS, DS, DNAME and the types of DNSSEC:
 * who writes them decides about names that are not its own.
 */
export const CLIENT_TYPES: readonly number[] = [
  ...[RRType.A, RRType.AAAA, RRType.TXT, RRType.CNAME, RRType.MX, RRType.SRV, RRType.CAA, RRType.PTR],
  ...[RRType.TLSA, RRType.SSHFP, RRType.HTTPS, RRType.SVCB],
];

/**
 * Types, besides SOA, of which a name has at most one record: CNAME (RFC 2181 §10.1), DNAME (RFC 6672 §2.4) and RESINFO
 * (RFC 9606 §5: resolvers ignore more than one; BIND refuses their transfer).
 */
export const SINGLE_TYPES: ReadonlySet<number> = new Set([RRType.CNAME, RRType.DNAME, 261]);

export interface SoaRdata {
  readonly kind: 'SOA';
  readonly mname: DomainName;
  readonly rname: DomainName;
  readonly serial: number;
  /** Seconds, as are retry, expire and minimum. */
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** Upper bound of the TTL of negative answers (RFC 2308 §4). */
  readonly minimum: number;
}

/** One EDNS option (RFC 6891 §6.1.2) or SvcParam (RFC 9460 §2.2). */
export interface NumberedOctets {
  readonly code: number;
  readonly octets: Uint8Array;
}

export interface DsFields {
  readonly keyTag: number;
  readonly algorithm: number;
  readonly digestType: number;
  readonly digest: Uint8Array;
}

export interface DnskeyFields {
  readonly flags: number;
  readonly protocol: number;
  readonly algorithm: number;
  readonly publicKey: Uint8Array;
}

/** The fields of RRSIG before the signature (RFC 4034 §3.1). */
export interface SignatureFields {
  readonly typeCovered: number;
  readonly algorithm: number;
  /** Labels of the signed owner name, without the root and without the `*` of a wildcard. */
  readonly labels: number;
  /** Seconds. */
  readonly originalTtl: number;
  /** Seconds since 1970 modulo 2^32, in serial number arithmetic (RFC 4034 §3.1.5); so is inception. */
  readonly expiration: number;
  readonly inception: number;
  readonly keyTag: number;
  readonly signer: DomainName;
}

export interface SvcbFields {
  readonly priority: number;
  readonly target: DomainName;
  /** In strictly increasing order of key numbers (RFC 9460 §2.2). */
  readonly params: readonly NumberedOctets[];
}

export interface TsigRdata {
  readonly kind: 'TSIG';
  readonly algorithm: DomainName;
  /** Seconds since 1970, 48 bits. */
  readonly timeSigned: number;
  readonly fudgeSeconds: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  /** 0 or an error of `TsigErrorCode` (RFC 8945 §3). */
  readonly error: number;
  readonly otherData: Uint8Array;
}

export type Rdata =
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown'; readonly octets: Uint8Array }
  | { readonly kind: 'A'; readonly address: string }
  | { readonly kind: 'AAAA'; readonly address: string }
  | { readonly kind: 'NS' | 'CNAME' | 'DNAME' | 'PTR'; readonly target: DomainName }
  | SoaRdata
  | { readonly kind: 'MX'; readonly preference: number; readonly exchange: DomainName }
  | { readonly kind: 'TXT'; readonly strings: readonly Uint8Array[] }
  | {
      readonly kind: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: DomainName;
    }
  | { readonly kind: 'CAA'; readonly flags: number; readonly tag: string; readonly value: Uint8Array }
  | {
      readonly kind: 'NAPTR';
      readonly order: number;
      readonly preference: number;
      readonly flags: Uint8Array;
      readonly services: Uint8Array;
      readonly regexp: Uint8Array;
      readonly replacement: DomainName;
    }
  | {
      readonly kind: 'SSHFP';
      readonly algorithm: number;
      readonly fingerprintType: number;
      readonly fingerprint: Uint8Array;
    }
  | {
      readonly kind: 'TLSA';
      readonly usage: number;
      readonly selector: number;
      readonly matchingType: number;
      readonly data: Uint8Array;
    }
  | ({ readonly kind: 'DS' | 'CDS' } & DsFields)
  | ({ readonly kind: 'DNSKEY' | 'CDNSKEY' } & DnskeyFields)
  | ({ readonly kind: 'RRSIG'; readonly signature: Uint8Array } & SignatureFields)
  | { readonly kind: 'NSEC'; readonly next: DomainName; readonly types: readonly number[] }
  | {
      readonly kind: 'NSEC3';
      readonly hashAlgorithm: number;
      readonly flags: number;
      readonly iterations: number;
      readonly salt: Uint8Array;
      readonly nextHashed: Uint8Array;
      readonly types: readonly number[];
    }
  | {
      readonly kind: 'NSEC3PARAM';
      readonly hashAlgorithm: number;
      readonly flags: number;
      readonly iterations: number;
      readonly salt: Uint8Array;
    }
  | ({ readonly kind: 'SVCB' | 'HTTPS' } & SvcbFields)
  | { readonly kind: 'OPT'; readonly options: readonly NumberedOctets[] }
  | TsigRdata;

export type RdataKind = Rdata['kind'];

/** One resource record (RFC 1035 §3.2.1). */
export interface ResourceRecord {
  readonly ownerName: DomainName;
  /** 16 bits; the type of `rdata.kind` unless that is `empty` or `unknown`. */
  readonly type: number;
  readonly class: number;
  /** Seconds, 32 bits unsigned as on the wire. In OPT: extended RCODE, version and flags (RFC 6891 §6.1.3). */
  readonly ttl: number;
  readonly rdata: Rdata;
}

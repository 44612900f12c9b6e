/**
 * The functions of src/dns/dnssec against the programs of BIND, ldns and Knot: zones that we sign pass their checks, and do not when
 * something in them is wrong; zones that BIND signs verify here, and have the same chains; hashes of NSEC3 are the same.
 * dnssec-keys.test.ts has keys, their files and DS records.
 */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signableRRset } from '../../src/dns/dnssec/canonical.ts';
import { CDNSKEY_DELETE, CDS_DELETE } from '../../src/dns/dnssec/delegation.ts';
import { findNsec3Hash, nsec3Hash, nsec3OwnerName } from '../../src/dns/dnssec/denial.ts';
import { SigningKey } from '../../src/dns/dnssec/signing-key.ts';
import { type SignatureOutcome, ZoneKeys } from '../../src/dns/dnssec/verify.ts';
import { DomainName } from '../../src/dns/name.ts';
import { formatRdata, parseRdata } from '../../src/dns/presentation/rdata-text.ts';
import {
  type DnskeyFields,
  formatRRType,
  type Rdata,
  type ResourceRecord,
  RRClass,
  RRType,
} from '../../src/dns/rdata.ts';
import { encodedRdata } from '../../src/dns/wire/rdata-codec.ts';
import { parseZoneFile } from '../../src/dns/zone-file/zone-file.ts';
import { formatZoneFile } from '../../src/dns/zone-file/zone-file-format.ts';
import { arbitraryName } from '../support/arbitrary-message.ts';
import { runOrThrow, runProgram } from '../support/process.ts';
import { RDATA_SAMPLES } from '../support/rdata-samples.ts';
import { describeWith } from '../support/require-server.ts';
import { testDirectory } from '../support/test-directory.ts';
import {
  type Chain,
  chainRRsets,
  groupRRsets,
  PLAIN_NSEC3,
  signaturesOf,
  signZone,
} from '../support/whole-zone-signing.ts';

const CHECKERS = [
  { command: 'dnssec-verify', debianPackage: 'bind9-utils' },
  { command: 'ldns-verify-zone', debianPackage: 'ldnsutils' },
  { command: 'kzonecheck', debianPackage: 'knot-dnssecutils' },
];
const BIND_TOOLS = [
  { command: 'dnssec-keygen', debianPackage: 'bind9-utils' },
  { command: 'dnssec-signzone', debianPackage: 'bind9-utils' },
];

const APEX = DomainName.parse('Example.com.');
const named = (text: string): DomainName => DomainName.parse(text, APEX);
const ZONE = `
$TTL 300
@ 3600 SOA Ns1 Hostmaster 1 3600 1000 3600000 300
@ NS Ns1
@ NS ns2.Example.NET.
@ MX 10 Mail
@ TXT "v=spf1 -all"
@ CAA 0 issue "CA.example.net"
ns1 A 192.0.2.53
ns1 AAAA 2001:db8::53
Mail A 192.0.2.25
www CNAME Ns1
many A 192.0.2.200
many A 192.0.2.3
many A 192.0.2.20
text TXT "b" "a"
text TXT "ab"
text TXT "a"
text TXT ""
_sip._tcp SRV 0 5 5060 Sip.Example.com.
a.b.empty A 192.0.2.4
* TXT "all"
*.wild A 192.0.2.5
x.*.wild TXT "below an asterisk"
signed NS ns.signed
signed NS Ns1
signed DS 60485 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A
ns.signed A 192.0.2.6
unsigned NS ns.unsigned
ns.unsigned AAAA 2001:db8::6
a.ns.unsigned TXT "hidden"
glue NS glue
glue A 192.0.2.7
naptr NAPTR 100 50 "S" "SIP+D2U" "" _Sip._UDP
ptr PTR Www.Example.ORG.
sshfp SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789
_443._tcp TLSA 3 1 1 D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971
https HTTPS 1 Svc.Example.com. alpn=h2 port=8443
dname DNAME Target.Example.net.
rp RP Admin.Example.com. Text
unknown TYPE65280 \\# 4 41424344
dot\\.ted A 192.0.2.8
\\000 A 192.0.2.9
\\200.z A 192.0.2.10
Z.Z A 192.0.2.11
`;
const RECORDS: readonly ResourceRecord[] = parseZoneFile(ZONE, { origin: APEX });
/** What every zone must have. */
const HEAD = RECORDS.filter(
  ({ type, ownerName }) =>
    type === RRType.SOA || ownerName.equals(named('ns1')) || (type === RRType.NS && ownerName.equals(APEX)),
);

const newP256 = (): SigningKey => new SigningKey(APEX, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const P256 = newP256();
const ED25519 = new SigningKey(APEX, generateKeyPairSync('ed25519').privateKey);

const HOUR = 3600;
/** The programs compare signatures with the clock. */
const NOW = Math.floor(Date.now() / 1000);
const PERIOD = { inception: NOW - HOUR, expiration: NOW + 24 * HOUR };

const CHAINS: readonly { readonly title: string; readonly chain: Chain }[] = [
  { title: 'NSEC', chain: 'nsec' },
  { title: 'NSEC3', chain: PLAIN_NSEC3 },
];

/** A record as octets (RFC 3597 §5): programs read types that they have no mnemonic for, and nothing of our presentation form. */
function octetLine({ ownerName, type, ttl, rdata }: ResourceRecord): string {
  const octets = encodedRdata(rdata);
  return `${ownerName} ${ttl} IN TYPE${type} \\# ${octets.length} ${octets.toString('hex')}\n`;
}

/** The programs that refuse a zone, and what all of them say. */
async function check(text: string): Promise<{ refusedBy: string[]; output: string }> {
  const file = join(testDirectory('signed'), 'zone');
  writeFileSync(file, text);
  const runs: readonly [program: string, args: readonly string[]][] = [
    ['dnssec-verify', ['-z', '-o', String(APEX), file]],
    ['ldns-verify-zone', [file]],
    ['kzonecheck', ['-o', String(APEX), '-d', 'on', file]],
  ];
  const found = await Promise.all(
    runs.map(async ([program, args]) => ({ program, ...(await runProgram(program, args)) })),
  );
  return {
    refusedBy: found.flatMap(({ program, code }) => (code === 0 ? [] : [program])),
    output: found.map(({ program, stdout, stderr }) => `${program}: ${stdout}${stderr}`).join('\n'),
  };
}

const zoneText = (records: readonly ResourceRecord[]): string => [...formatZoneFile(APEX, records)].join('');

describeWith(CHECKERS, 'zones that we sign', () => {
  describe.each(CHAINS)('with $title', ({ chain }) => {
    it.each([P256, ED25519])('and algorithm $dnskey.algorithm: BIND, ldns and Knot accept them', async (key) => {
      const { refusedBy, output } = await check(zoneText(signZone(APEX, RECORDS, [key], chain, PERIOD)));
      expect(refusedBy, output).toEqual([]);
    });

    it('and both algorithms at once: BIND and ldns accept them', async () => {
      const signed = signZone(APEX, RECORDS, [P256, ED25519], chain, PERIOD);
      const { refusedBy, output } = await check(zoneText(signed));
      // kzonecheck 3.2 also refuses zones that BIND signed with both.
      expect(
        refusedBy.filter((program) => program !== 'kzonecheck'),
        output,
      ).toEqual([]);
    });

    const sign = (): ResourceRecord[] => signZone(APEX, RECORDS, [P256], chain, PERIOD);
    const chainType = chain === 'nsec' ? RRType.NSEC : RRType.NSEC3;
    /** The owner name of the record of the chain for a name. */
    const proofOf = (text: string): DomainName =>
      chain === 'nsec' ? named(text) : nsec3OwnerName(nsec3Hash(named(text).key, chain), APEX);
    const isOfProof = ({ ownerName, type, rdata }: ResourceRecord, text: string): boolean =>
      ownerName.equals(proofOf(text)) &&
      (type === chainType || (rdata.kind === 'RRSIG' && rdata.typeCovered === chainType));

    /** Changes the record of the chain for a name, and signs it as it is then. */
    function changeProof(text: string, change: (rdata: Rdata & { kind: 'NSEC' | 'NSEC3' }) => Rdata): ResourceRecord[] {
      const signed = sign();
      const proof = signed.find((record) => record.type === chainType && isOfProof(record, text))!;
      const changed = { ...proof, rdata: change(proof.rdata as Rdata & { kind: 'NSEC' | 'NSEC3' }) };
      const others = signed.filter((record) => !isOfProof(record, text));
      return [...others, changed, ...signaturesOf(groupRRsets([changed]), [P256], PERIOD)];
    }

    const damages: Readonly<Record<string, () => ResourceRecord[]>> = {
      'a damaged signature': () =>
        sign().map((record) => {
          const { ownerName, rdata } = record;
          if (rdata.kind !== 'RRSIG' || !ownerName.equals(named('many'))) return record;
          return {
            ...record,
            rdata: { ...rdata, signature: rdata.signature.map((octet, i) => octet ^ (i === 40 ? 1 : 0)) },
          };
        }),
      'a changed record': () =>
        sign().map((record) => {
          const isChanged = record.type === RRType.A && record.ownerName.equals(named('mail'));
          return isChanged ? { ...record, rdata: { kind: 'A', address: '192.0.2.26' } } : record;
        }),
      'no proof for a name': () => sign().filter((record) => !isOfProof(record, chain === 'nsec' ? 'many' : 'b.empty')),
      'a wrong next name': () =>
        changeProof('many', (rdata) =>
          rdata.kind === 'NSEC'
            ? { ...rdata, next: APEX }
            : { ...rdata, nextHashed: rdata.nextHashed.map((octet) => octet ^ 1) },
        ),
      'a bitmap with another type': () =>
        changeProof('many', (rdata) => ({ ...rdata, types: [...rdata.types, RRType.MX] })),
      'a bitmap without a type': () =>
        changeProof('ns1', (rdata) => ({ ...rdata, types: rdata.types.filter((type) => type !== RRType.AAAA) })),
      'signatures that have expired': () => {
        const period = { inception: NOW - 9 * HOUR, expiration: NOW - 8 * HOUR };
        return signZone(APEX, RECORDS, [P256], chain, period);
      },
      'signatures by another key': () => [
        ...sign().filter(({ type }) => type !== RRType.RRSIG),
        ...signZone(APEX, RECORDS, [newP256()], chain, PERIOD).filter(({ type }) => type === RRType.RRSIG),
      ],
    };
    it.each(Object.entries(damages))('and %s: they refuse them', async (damage, make) => {
      const { refusedBy, output } = await check(zoneText(make()));
      // ldns does not compare bitmaps with the records.
      const programs = CHECKERS.map(({ command }) => command);
      const expected = damage.startsWith('a bitmap') ? programs.filter((name) => !name.startsWith('ldns')) : programs;
      expect(refusedBy, output).toEqual(expected);
    });
  });

  it('RFC 8078 §4: they accept the request to delete the DS', async () => {
    const more = [CDS_DELETE, CDNSKEY_DELETE].map((rdata): ResourceRecord => {
      return {
        ownerName: APEX,
        type: rdata.kind === 'CDS' ? RRType.CDS : RRType.CDNSKEY,
        class: RRClass.IN,
        ttl: 60,
        rdata,
      };
    });
    const { refusedBy, output } = await check(
      zoneText(signZone(APEX, [...RECORDS, ...more], [P256], PLAIN_NSEC3, PERIOD)),
    );
    expect(refusedBy, output).toEqual([]);
  });

  it('RFC 4034 §6.2: every type, with capital letters in names, has the canonical form that they have', async () => {
    // ldns 1.8 verifies neither of them, in any case.
    const records = [...HEAD, ...everyType().filter(({ type }) => !['SINK', 'NSAP-PTR'].includes(formatRRType(type)))];
    const signed = signZone(APEX, records, [ED25519], 'nsec', PERIOD);
    const { refusedBy, output } = await check(signed.map(octetLine).join(''));
    expect(refusedBy, output).toEqual([]);
  });
});

/** Types that are at an apex or a delegation only, or are made when a zone is signed. */
const NOT_EVERYWHERE = [
  'SOA',
  'NS',
  'DS',
  'CDS',
  'CDNSKEY',
  'DNSKEY',
  'RRSIG',
  'NSEC',
  'NSEC3',
  'NSEC3PARAM',
  'SIG',
  'KEY',
  'NXT',
];
/** RFC 4034 §6.2 does not have NSAP-PTR, but BIND signs its name in lower case. Knot and Unbound do not. */
const LOWER_CASE = ['NSAP-PTR'];

/** A name for each type, with all samples of it. */
function everyType(): ResourceRecord[] {
  return RDATA_SAMPLES.flatMap(({ text, type, octets }): ResourceRecord[] => {
    const [mnemonic = '', ...words] = text.split(' ');
    if (NOT_EVERYWHERE.includes(mnemonic)) return [];
    const fields = words.join(' ');
    const rdata =
      words[0] === '#'
        ? parseRdata(type, `\\# ${octets.length} ${Buffer.from(octets).toString('hex')}`)
        : parseRdata(
            type,
            LOWER_CASE.includes(mnemonic)
              ? fields
              : fields.replace(/[a-z0-9-]+\.example\.net\./g, (name) => name.toUpperCase()),
          );
    return [{ ownerName: named(mnemonic), type, class: RRClass.IN, ttl: 300, rdata }];
  });
}

/** The records of a chain in one form; BIND writes names in the case that they have elsewhere. */
const chainLines = (records: readonly ResourceRecord[]): string[] =>
  records
    .filter(({ type }) => type === RRType.NSEC || type === RRType.NSEC3)
    .map(({ ownerName, ttl, type, rdata }) =>
      `${ownerName} ${ttl} ${formatRRType(type)} ${formatRdata(type, rdata)}`.toLowerCase(),
    )
    .sort();

/** The hashes that NSEC3 records have as owner names, and as next names. */
function chainHashes(records: readonly ResourceRecord[]): { owners: (string | undefined)[]; nexts: string[] } {
  const found = records.flatMap(({ ownerName, rdata }) => {
    if (rdata.kind !== 'NSEC3') return [];
    return [{ owner: findNsec3Hash(ownerName, APEX), next: Buffer.from(rdata.nextHashed).toString('latin1') }];
  });
  return { owners: found.map(({ owner }) => owner).sort(), nexts: found.map(({ next }) => next).sort() };
}

interface BindSigning {
  readonly algorithm: string;
  readonly chain: Chain;
  /** A key-signing key and a zone-signing key instead of one key. */
  readonly twoKeys: boolean;
}

/** The zone as dnssec-signzone signs it, with new keys of dnssec-keygen. */
async function signWithBind(text: string, { algorithm, chain, twoKeys }: BindSigning): Promise<ResourceRecord[]> {
  const directory = testDirectory('bind-signed');
  const zone = String(APEX);
  const keygen = ['-q', '-K', directory, '-a', algorithm];
  await runOrThrow('dnssec-keygen', [...keygen, '-f', 'KSK', zone]);
  if (twoKeys) await runOrThrow('dnssec-keygen', [...keygen, zone]);
  const file = join(directory, 'zone');
  writeFileSync(file, text);
  const nsec3 =
    chain === 'nsec' ? [] : ['-3', Buffer.from(chain.salt).toString('hex') || '-', '-H', String(chain.iterations)];
  const options = ['-K', directory, '-d', directory, '-S', ...(twoKeys ? [] : ['-z']), ...nsec3];
  await runOrThrow('dnssec-signzone', ['-q', '-o', zone, ...options, '-f', `${file}.signed`, file]);
  return parseZoneFile(readFileSync(`${file}.signed`, 'latin1'), { origin: APEX });
}

/** The outcome of each RRSIG record. @param change of the octets of each RRset that is verified */
function outcomes(records: readonly ResourceRecord[], change = (rdata: string): string => rdata): SignatureOutcome[] {
  const rrsets = new Map(
    groupRRsets(records).map((rrset) => [`${rrset.ownerName.key} ${rrset.type}`, signableRRset(rrset)]),
  );
  const dnskeys = records.flatMap(({ rdata }): DnskeyFields[] => (rdata.kind === 'DNSKEY' ? [rdata] : []));
  const keys = new ZoneKeys(APEX, dnskeys);
  return records.flatMap(({ ownerName, rdata }) => {
    if (rdata.kind !== 'RRSIG') return [];
    const rrset = rrsets.get(`${ownerName.key} ${rdata.typeCovered}`)!;
    return [keys.verify({ ...rrset, rdatas: rrset.rdatas.map(change) }, rdata, NOW)];
  });
}

/** Checks that every signature is valid, and none is after its RRset has changed. */
function expectValid(records: readonly ResourceRecord[]): void {
  const valid = outcomes(records);
  expect(valid).toEqual(valid.map(() => 'valid'));
  expect(valid.length).toBeGreaterThan(chainLines(records).length);
  const changed = outcomes(records, (rdata) => `${rdata}\x01`);
  expect(changed).toEqual(changed.map(() => 'wrong-signature'));
}

/** The chain that we make of the other records. */
function ownChain(records: readonly ResourceRecord[], chain: Chain): string[] {
  const chainTypes: number[] = [RRType.RRSIG, RRType.NSEC, RRType.NSEC3];
  const rrsets = groupRRsets(records.filter(({ type }) => !chainTypes.includes(type)));
  return chainLines(
    chainRRsets(APEX, rrsets, chain).flatMap((rrset) =>
      rrset.rdatas.map((rdata) => ({ ...rrset, class: RRClass.IN, rdata })),
    ),
  );
}

/** What is signed and how, without times and keys. */
const signatureLines = (records: readonly ResourceRecord[]): string[] =>
  records
    .flatMap(({ ownerName, ttl, rdata }) => {
      if (rdata.kind !== 'RRSIG') return [];
      const { typeCovered, labels, originalTtl } = rdata;
      return [`${ownerName.key} ${ttl} ${formatRRType(typeCovered)} labels ${labels} TTL ${originalTtl}`];
    })
    .sort();

const SALTED: Chain = { iterations: 5, salt: Buffer.from('aabbccdd', 'hex') };

describeWith(BIND_TOOLS, 'zones that BIND signs', () => {
  const other = { title: 'NSEC3 and two keys', chain: PLAIN_NSEC3, twoKeys: true };
  const signings: readonly (BindSigning & { readonly title: string })[] = [
    ...CHAINS.flatMap((each) =>
      ['ECDSAP256SHA256', 'ED25519'].map((algorithm) => ({ ...each, algorithm, twoKeys: false })),
    ),
    { algorithm: 'ECDSAP256SHA256', title: 'salted NSEC3 and two keys', chain: SALTED, twoKeys: true },
    ...['RSASHA256', 'RSASHA512', 'ECDSAP384SHA384', 'ED448'].map((algorithm) => ({ ...other, algorithm })),
  ];
  it.each(signings)('with $algorithm, $title: every RRset verifies, and our chain is the same', async (signing) => {
    const records = await signWithBind(ZONE, signing);
    expectValid(records);
    expect(ownChain(records, signing.chain)).toEqual(chainLines(records));
    const { owners, nexts } = chainHashes(records);
    expect(owners).toEqual(nexts);
  });

  it.each(CHAINS)('with $title: we sign the same RRsets, with the same labels and TTLs', async ({ chain }) => {
    const records = await signWithBind(ZONE, { algorithm: 'ED25519', chain, twoKeys: false });
    const lines = signatureLines(signZone(APEX, RECORDS, [ED25519], chain, PERIOD));
    // BIND gives records that it makes other TTLs.
    const comparable = (list: readonly string[]) => list.filter((line) => !/ (DNSKEY|NSEC3PARAM) /.test(line));
    expect(comparable(lines)).toEqual(comparable(signatureLines(records)));
    expect(lines.length).toBeGreaterThan(50);
  });

  it('RFC 4035 §5.3.4: a wildcard is expanded', async () => {
    const records = await signWithBind(ZONE, { algorithm: 'ED25519', chain: 'nsec', twoKeys: false });
    const expanded = records.map((record) => ({
      ...record,
      ownerName: record.ownerName.equals(named('*.wild')) ? named('a.b.wild') : record.ownerName,
    }));
    // Its A and its NSEC record.
    expect(outcomes(expanded).filter((outcome) => outcome !== 'valid')).toEqual(['expanded', 'expanded']);
  });

  it('every type, with capital letters in names, verifies', async () => {
    // BIND writes others in forms that we do not read.
    const readable = everyType().filter(
      ({ type, rdata }) => type > 65_000 || !formatRdata(type, rdata).startsWith('\\#'),
    );
    const text = [...HEAD, ...readable].map(octetLine).join('');
    const records = await signWithBind(text, { algorithm: 'ED25519', chain: 'nsec', twoKeys: false });
    expectValid(records);
    expect(ownChain(records, 'nsec')).toEqual(chainLines(records));
  });
});

describeWith([{ command: 'nsec3hash', debianPackage: 'bind9' }], 'hashes of NSEC3', () => {
  it('are those of nsec3hash for any name', async () => {
    const names = fc.sample(arbitraryName, { numRuns: 40, seed: 5155 }).filter(({ isRoot }) => !isRoot);
    const salts = ['', '00', 'aabbccdd', 'ff'.repeat(255)];
    for (const [i, name] of names.entries()) {
      const parameters = { iterations: [0, 1, 150][i % 3]!, salt: Buffer.from(salts[i % 4]!, 'hex') };
      const args = [salts[i % 4] || '-', '1', String(parameters.iterations), String(name)];
      const [label] = (await runOrThrow('nsec3hash', args)).split(' ');
      const ours = nsec3OwnerName(nsec3Hash(name.key, parameters), DomainName.root);
      expect(`${label}.`.toLowerCase(), String(name)).toBe(String(ours));
    }
  });
});

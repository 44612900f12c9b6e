/** RDATA of every type that any of BIND, Knot and NSD knows: well-formed samples, and random octets derived from them. */
import { DomainName } from '../../src/dns/name.ts';
import { parseRdata } from '../../src/dns/presentation/rdata-text.ts';
import { parseRRType } from '../../src/dns/rdata.ts';
import { encodedRdata } from '../../src/dns/wire/rdata-codec.ts';
import type { Random } from '../differential/random.ts';
import { hex } from './wire-vectors.ts';

const SHA1 = '2BB183AF5F22588179A53B0A98631FAD1A292118';
const SHA256 = 'D2ABDE240D7CD3EE6B4B28C54DF034B97983A1D16E8A410E4561CB106618E971';
const SHA384 = `${SHA256}${SHA256.slice(0, 32)}`;
const SHA512 = `${SHA256}${SHA256}`;

/** A type and its presentation form, or `#` and its octets, one a line. */
const SAMPLES = `
A 192.0.2.1
AAAA 2001:db8::1
NS ns.example.net.
MD a.example.net.
MF a.example.net.
CNAME a.example.net.
SOA ns1.example.net. hostmaster.example.net. 7 3600 1000 3600000 300
MB a.example.net.
MG a.example.net.
MR a.example.net.
NULL # 010203
WKS # C00002010640 01
PTR a.example.net.
HINFO "PDP-11" "UNIX"
MINFO a.example.net. b.example.net.
MX 10 mail.example.net.
TXT "one" "two"
RP a.example.net. b.example.net.
AFSDB 1 host.example.net.
X25 "311061700956"
ISDN "150862028003217" "004"
ISDN "150862028003217"
RT 10 relay.example.net.
NSAP # 47000580005A0000000001E133FFFFFF00016100
NSAP-PTR a.example.net.
SIG # 000105030001518038434444384344440A52 0178037279 7A00 010203040506
KEY # 0100030501020304
KEY # C0000305
PX 50 map822.example.net. mapx400.example.net.
GPOS "-32.6882" "116.8652" "10.0"
LOC 52 22 23.000 N 4 53 32 E -2m 0m 10000m 10m
NXT # 0161 00 40000080
EID # 01020304
NIMLOC # 01020304
SRV 0 1 5060 server.example.net.
ATMA # 0131323334
ATMA # 0047000580005A0000000001E133FFFFFF00016100
NAPTR 100 10 "U" "E2U+sip" "!^(.*)$!sip:\\\\1@example.net!i" .
NAPTR 100 10 "S" "SIP+D2U" "" _sip._udp.example.net.
KX 1 host.example.net.
CERT PKIX 1 RSASHA256 AQIDBA==
A6 # 40 0000000000000001 0361 6263 0765 78616D 706C65 036E6574 00
DNAME a.example.net.
SINK # 01020304
APL 1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0
DS 60485 5 1 ${SHA1}
DS 60485 5 2 ${SHA256}
DS 60485 5 4 ${SHA384}
SSHFP 2 1 ${SHA1}
SSHFP 4 2 ${SHA256}
IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
IPSECKEY 10 2 2 2001:db8::38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
IPSECKEY 10 3 2 mygateway.example.net. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
RRSIG A 5 3 86400 20300322173103 20300220173103 2642 example.com. AQIDBA==
NSEC host.example.com. A MX RRSIG NSEC TYPE1234
DNSKEY 256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3
DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG
NSEC3PARAM 1 0 12 aabbccdd
TLSA 3 1 1 ${SHA256}
TLSA 3 1 2 ${SHA512}
TLSA 3 1 0 0102
SMIMEA 3 1 1 ${SHA256}
HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e1 rvs.example.net. b.example.net.
NINFO "text"
RKEY # 0000030501020304
TALINK # 0161 00 0162 00
CDS 60485 5 2 ${SHA256}
CDS 0 0 0 00
CDNSKEY 256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3
CDNSKEY 0 3 0 AA==
OPENPGPKEY AQIDBA==
CSYNC 66 3 A NS AAAA
ZONEMD 1 1 1 ${SHA384}
ZONEMD 1 1 2 ${SHA512}
ZONEMD 1 240 240 0102030405060708090A0B0C
SVCB 0 foo.example.net.
SVCB 16 foo.example.net. mandatory=alpn,ipv4hint alpn=h2,h3-19 port=53 ipv4hint=192.0.2.1
SVCB 1 dns.example.net. alpn=h2 dohpath=/dns-query{?dns}
HTTPS 1 . alpn=h2 no-default-alpn ech=AQIDBA== ipv6hint=2001:db8::1,2001:db8::53:1 key667="hello"
DSYNC CDS NOTIFY 5359 cds-scanner.example.net.
HHIT AQIDBA==
BRID AQIDBA==
SPF "v=spf1" "-all"
NID 10 0014:4fff:ff20:ee64
L32 10 192.0.2.1
L64 10 2001:0DB8:1140:1000
LP 10 l64.example.net.
EUI48 00-00-5e-00-53-2a
EUI64 00-00-5e-ef-10-00-00-2a
URI 10 1 "https://example.com/a"
CAA 0 issue "ca.example.net; policy=ev"
AVC "text"
DOA # 00000001 00000002 01 0161 010203
AMTRELAY 10 0 0 .
AMTRELAY 10 1 1 203.0.113.15
AMTRELAY 10 0 2 2001:db8::15
AMTRELAY 128 1 3 amtrelays.example.net.
RESINFO "qnamemin" "exterr=15-17"
WALLET "text"
TA 60485 5 1 ${SHA1}
DLV 60485 5 1 ${SHA1}
TYPE65280 # 0102
TYPE65280 #
`;

export interface RdataSample {
  readonly type: number;
  readonly octets: Uint8Array;
}

export const RDATA_SAMPLES: readonly (RdataSample & { readonly text: string })[] = SAMPLES.trim()
  .split('\n')
  .map((text) => {
    const [mnemonic = '', ...rest] = text.split(' ');
    const type = parseRRType(mnemonic)!;
    if (rest[0] === '#') return { text, type, octets: hex(rest.slice(1).join('')) };
    return { text, type, octets: encodedRdata(parseRdata(type, rest.join(' '), DomainName.root)) };
  });

/** Octets near a sample, so that some are well-formed: cut, longer, changed, or entirely random. */
export function randomRdata(random: Random, { type, octets }: RdataSample): RdataSample {
  const any = (count: number): number[] => Array.from({ length: count }, () => random.below(256));
  const changed = Uint8Array.from(octets);
  switch (random.below(6)) {
    case 0:
      return { type, octets: octets.slice(0, random.below(octets.length + 1)) };
    case 1:
      return { type, octets: Uint8Array.from([...octets, ...any(1 + random.below(40))]) };
    case 2:
      return { type, octets: Uint8Array.from(any(random.below(30))) };
    case 3:
      if (changed.length > 0) changed[random.below(changed.length)] = random.pick([0, 1, 2, 3, 4, 32, 64, 255]);
      return { type, octets: changed };
    default:
      for (let i = random.below(3); i >= 0 && changed.length > 0; i--) {
        changed[random.below(changed.length)] = random.below(256);
      }
      return { type, octets: changed };
  }
}

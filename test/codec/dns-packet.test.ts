/**
 * Comparison with dns-packet 5.6.1, decoding only. Its known defects are not compared: it throws for empty RDATA (UPDATE),
 * has no name for class NONE, does not escape dots inside a label, and formats IPv4-mapped addresses with hexadecimal
 * groups.
 */
import { type Answer, type DecodedPacket, decode as decodeWithPeer } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { parseIpAddress } from '../../src/dns/address.ts';
import type { DomainName } from '../../src/dns/name.ts';
import { formatRRType, type Rdata, type ResourceRecord, RRClass, RRType } from '../../src/dns/rdata.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/dns/wire/message.ts';
import { encodeRdata } from '../../src/dns/wire/rdata-codec.ts';
import { WireWriter } from '../../src/dns/wire/writer.ts';
import { plainValue, recordedMessages } from '../support/wire-vectors.ts';

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');
const joined = (name: DomainName): string => name.labels().map(latin1).join('.') || '.';
/** Types that only one of the two has a mnemonic for. */
const PEER_TYPES: Readonly<Record<string, string>> = { TYPE13: 'HINFO', SVCB: 'UNKNOWN_64', HTTPS: 'UNKNOWN_65' };
function peerType(type: number): string {
  const text = formatRRType(type);
  return PEER_TYPES[text] ?? text.replace('TYPE', 'UNKNOWN_');
}

/** Our RDATA in the shape of dns-packet's `data`; types that it returns as octets are octets. */
function inPeerShape(rdata: Rdata): unknown {
  switch (rdata.kind) {
    case 'A':
    case 'AAAA':
      return rdata.address;
    case 'NS':
    case 'CNAME':
    case 'DNAME':
    case 'PTR':
      return joined(rdata.target);
    case 'SOA': {
      const { kind: _, mname, rname, ...numbers } = rdata;
      const mailbox = rname.labels().map((label) => latin1(label).replaceAll('.', '\\.'));
      return { mname: joined(mname), rname: mailbox.join('.'), ...numbers };
    }
    case 'MX':
      return { preference: rdata.preference, exchange: joined(rdata.exchange) };
    case 'TXT':
      return rdata.strings;
    case 'SRV': {
      const { kind: _, target, ...numbers } = rdata;
      return { ...numbers, target: joined(target) };
    }
    case 'CAA':
      return { flags: rdata.flags, tag: rdata.tag, value: latin1(rdata.value), issuerCritical: rdata.flags >= 128 };
    case 'NAPTR':
      return {
        order: rdata.order,
        preference: rdata.preference,
        flags: latin1(rdata.flags),
        services: latin1(rdata.services),
        regexp: latin1(rdata.regexp),
        replacement: joined(rdata.replacement),
      };
    case 'SSHFP': {
      const fingerprint = Buffer.from(rdata.fingerprint).toString('hex').toUpperCase();
      return { algorithm: rdata.algorithm, hash: rdata.fingerprintType, fingerprint };
    }
    case 'TLSA': {
      const { kind: _, data, ...numbers } = rdata;
      return { ...numbers, certificate: data };
    }
    case 'DS': {
      const { kind: _, ...fields } = rdata;
      return fields;
    }
    case 'DNSKEY':
      return { flags: rdata.flags, algorithm: rdata.algorithm, key: rdata.publicKey };
    case 'RRSIG': {
      const { kind: _, typeCovered, originalTtl, signer, ...rest } = rdata;
      return { ...rest, typeCovered: peerType(typeCovered), originalTTL: originalTtl, signersName: joined(signer) };
    }
    case 'NSEC':
      return { nextDomain: joined(rdata.next), rrtypes: rdata.types.map(peerType) };
    case 'NSEC3': {
      const { kind: _, hashAlgorithm, nextHashed, types, ...rest } = rdata;
      return { algorithm: hashAlgorithm, nextDomain: nextHashed, rrtypes: types.map(peerType), ...rest };
    }
    case 'OPT':
      return rdata.options;
    default: {
      const writer = new WireWriter();
      encodeRdata(writer, rdata);
      return writer.finish();
    }
  }
}

const comparable = (name: string, type: string, klass: unknown, ttl: unknown, data: unknown) =>
  plainValue({ name, type, klass, ttl, data });

function ourRecord(rr: ResourceRecord): unknown {
  if (rr.rdata.kind === 'OPT') {
    return comparable('.', 'OPT', rr.class, [rr.ttl >>> 24, (rr.ttl >>> 16) & 0xff, rr.ttl & 0xffff], rr.rdata.options);
  }
  const klass = Object.entries(RRClass).find(([, code]) => code === rr.class)?.[0];
  return comparable(joined(rr.ownerName), peerType(rr.type), klass, rr.ttl, inPeerShape(rr.rdata));
}

function peerRecord(answer: Answer): unknown {
  if (answer.type === 'OPT') {
    const options = answer.options.map((option) => ({ code: option.code, octets: (option as { data: Buffer }).data }));
    return comparable(
      answer.name,
      'OPT',
      answer.udpPayloadSize,
      [answer.extendedRcode, answer.ednsVersion, answer.flags],
      options,
    );
  }
  const { name, type, class: klass, ttl, data } = answer as Answer & { class: string; ttl: number; data: unknown };
  if (answer.type === 'AAAA') return comparable(name, type, klass, ttl, parseIpAddress(answer.data)?.text);
  // Only dns-packet has a structure for HINFO.
  if (answer.type === 'HINFO') {
    const strings = [answer.data.cpu, answer.data.os].map((text) => String.fromCharCode(text.length) + text);
    return comparable(name, type, klass, ttl, Buffer.from(strings.join('')));
  }
  return comparable(name, type, klass, ttl, data);
}

function ourView(message: Message): unknown {
  return {
    id: message.id,
    type: message.response ? 'response' : 'query',
    flags: [
      message.authoritative,
      message.truncated,
      message.recursionDesired,
      message.recursionAvailable,
      message.authenticData,
      message.checkingDisabled,
    ],
    questions: message.questions.map((question) => [joined(question.qname), peerType(question.qtype)]),
    sections: [message.answers, message.authority, message.additional].map((section) => section.map(ourRecord)),
  };
}

function peerView(packet: DecodedPacket): unknown {
  const { flag_aa, flag_tc, flag_rd, flag_ra, flag_ad, flag_cd } = packet;
  const sections = [packet.answers, packet.authorities, packet.additionals];
  return {
    id: packet.id,
    type: packet.type,
    flags: [flag_aa, flag_tc, flag_rd, flag_ra, flag_ad, flag_cd],
    questions: packet.questions?.map((question) => [question.name, question.type]),
    sections: sections.map((section) => section?.map(peerRecord)),
  };
}

describe('dns-packet decodes the same octets to the same message', () => {
  for (const { label, octets } of recordedMessages()) {
    if (label.endsWith('nsupdate request')) {
      it(`${label}: not compared, dns-packet throws on empty RDATA`, () => {
        expect(() => decodeWithPeer(Buffer.from(octets))).toThrow('Cannot decode name');
        expect(decodeMessage(octets).authority.length).toBeGreaterThan(0);
      });
      continue;
    }
    it(`${label}: as recorded, and as encoded by us`, () => {
      const message = decodeMessage(octets);
      const expected = ourView(message);
      expect(peerView(decodeWithPeer(Buffer.from(octets)))).toEqual(expected);
      expect(peerView(decodeWithPeer(encodeMessage(message)))).toEqual(expected);
    });
  }

  it('the recorded messages have every type with a structure', () => {
    const seen = new Set<number>();
    for (const { octets } of recordedMessages()) {
      const message = decodeMessage(octets);
      for (const rr of [...message.answers, ...message.authority, ...message.additional]) seen.add(rr.type);
    }
    const meta: number[] = [RRType.IXFR, RRType.AXFR, RRType.ANY];
    expect(Object.values(RRType).filter((type) => !seen.has(type) && !meta.includes(type))).toEqual([]);
  });
});

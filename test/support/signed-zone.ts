/** A zone in memory that its signer signs, the zone file of a version with its signatures, and a check of the whole version. */
import { generateKeyPairSync } from 'node:crypto';
import { SigningKey } from '../../src/dns/dnssec/signing-key.ts';
import { ZoneKeys } from '../../src/dns/dnssec/verify.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { formatZoneFile } from '../../src/dns/zone-file/zone-file-format.ts';
import { Nsec3Kind, NsecKind } from '../../src/nameserver/signing/chain-kind.ts';
import { type SigningPolicy, ZoneSigner } from '../../src/nameserver/signing/zone-signer.ts';
import type { ZoneDraft } from '../../src/nameserver/zone/draft.ts';
import type { EmbeddedZone } from '../../src/nameserver/zone/embedded-zone.ts';
import { cutAbove } from '../../src/nameserver/zone/occlusion.ts';
import { rrsigRdata } from '../../src/nameserver/zone/signatures.ts';
import { isSignerType } from '../../src/nameserver/zone/signer-types.ts';
import { allRRsets, findRRset } from '../../src/nameserver/zone/zone-node.ts';
import { nameOf, rdataOf, type ZoneVersion } from '../../src/nameserver/zone/zone-version.ts';
import { type EditedZoneOptions, editedZone } from './edited-zone.ts';

export function newSigningKey(zone: EmbeddedZone['apex'], curve: 'P-256' | 'ed25519' = 'P-256'): SigningKey {
  const pair = curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve });
  return new SigningKey(zone, pair.privateKey);
}

/** Signed and published. */
export function signedZone(
  name: string,
  policy: Partial<SigningPolicy> = {},
  options?: EditedZoneOptions,
): EmbeddedZone {
  const zone = editedZone(name, options);
  zone.signer = new ZoneSigner(
    {
      keys: [newSigningKey(zone.apex)],
      chain: 'nsec3',
      validitySeconds: 30 * 86_400,
      now: () => Math.floor(Date.now() / 1000),
      keyTtl: 3_600,
      ...policy,
    },
    zone.published,
  );
  change(zone, (draft) => zone.signer!.setKeys(draft));
  return zone;
}

/** Commits one change. */
export function change(zone: EmbeddedZone, edit: (draft: ZoneDraft) => void): ReturnType<EmbeddedZone['seal']> {
  edit(zone.draft);
  const sealed = zone.seal();
  if (sealed !== undefined) zone.publish(sealed);
  return sealed;
}

export function zoneFileOf(version: ZoneVersion): string {
  const records = [...version.records()].map(({ wireText, type, ttl, rdata }) => {
    return { ownerName: nameOf(wireText), type, class: RRClass.IN, ttl, rdata: rdataOf(type, rdata) };
  });
  return [...formatZoneFile(version.apex, records)].join('');
}

/** What is wrong with the signatures and the chain of a version, found without the code that keeps them up to date. */
export function signingFaults(version: ZoneVersion, nowSeconds = Math.floor(Date.now() / 1000)): string[] {
  const { apex, apexNode } = version;
  const faults: string[] = [];
  const dnskeys = findRRset(apexNode, RRType.DNSKEY)?.rdatas.map((rdata) => rdataOf(RRType.DNSKEY, rdata)) ?? [];
  const keys = new ZoneKeys(apex, dnskeys as never);
  const kind = version.chain === 'nsec' ? new NsecKind() : new Nsec3Kind(apex);
  /** Types by order key. */
  const expected = new Map<string, number[]>();
  const records = new Map<string, string>();
  for (const node of version.nodes.values()) {
    const name = nameOf(node.wireText);
    const isCovered = cutAbove(version, node.key) !== undefined;
    const isDelegation = node.key !== apex.key && findRRset(node, RRType.NS) !== undefined;
    const isAuthoritative = (type: number) =>
      !isCovered && (!isDelegation || type === RRType.DS || type === RRType.NSEC || type === RRType.NSEC3);
    for (const rrset of allRRsets(node)) {
      const { type, ttl, rdatas, signatures = [] } = rrset;
      if (signatures.length !== (isAuthoritative(type) ? dnskeys.length : 0))
        faults.push(`${name} ${type}: ${signatures.length} signatures`);
      for (const signature of signatures) {
        const fields = rdataOf(RRType.RRSIG, rrsigRdata(rrset, signature, apex.key));
        const outcome = keys.verify({ ownerKey: node.key, type, ttl, rdatas }, fields as never, nowSeconds);
        if (outcome !== 'valid') faults.push(`${name} ${type}: ${outcome}`);
      }
      if (type !== kind.type) continue;
      const orderKey = kind.orderKeyOfOwner(node.key);
      if (orderKey === undefined || rdatas.length !== 1) faults.push(`${name}: a record of the chain`);
      else records.set(orderKey, rdatas[0]!);
    }
    const { rrsets, signerRRsets = [] } = node;
    for (const { type } of rrsets) if (isSignerType(type)) faults.push(`${name} ${type}: not apart`);
    const types = [...rrsets, ...signerRRsets]
      .map(({ type }) => type)
      .filter((type) => type !== RRType.NSEC3 && (!isDelegation || isAuthoritative(type) || type === RRType.NS));
    const isThere = types.some((type) => type !== RRType.NSEC) || (node.children > 0 && version.chain !== 'nsec');
    if (isCovered || !isThere) continue;
    if (types.some(isAuthoritative)) types.push(RRType.RRSIG);
    expected.set(kind.orderKey(node.key), types);
  }
  const orderKeys = [...expected.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const [at, orderKey] of orderKeys.entries()) {
    const rdata = kind.rdata(orderKeys[(at + 1) % orderKeys.length]!, expected.get(orderKey)!);
    const name = nameOf(kind.owner(orderKey).wireText);
    if (records.get(orderKey) === undefined) faults.push(`${name} is not in the chain`);
    else if (records.get(orderKey) !== rdata) faults.push(`${name} has another record in the chain`);
  }
  for (const orderKey of records.keys()) {
    if (!expected.has(orderKey)) faults.push(`${nameOf(kind.owner(orderKey).wireText)} should not be in the chain`);
  }
  return faults;
}

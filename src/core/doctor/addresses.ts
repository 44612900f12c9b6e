/**
 * Addresses of nameservers for `dyndns doctor`: resolves names, and recognizes addresses that the internet cannot reach.
 * Replies are cut to a few addresses, CNAME chains to a few steps.
 */
import { addressOctets, type IpAddress, parseIpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { rrsetAddresses } from '../../dns/rrset.ts';
import { blockOf } from '../zones/special-addresses.ts';
import type { Lookup } from './ports.ts';

/** Limit of addresses per nameserver. */
export const MAX_ADDRESSES = 4;
/** Limit of CNAMEs followed in one answer, against loops. */
const MAX_ALIASES = 8;

export interface FoundAddresses {
  readonly addresses: readonly IpAddress[];
  /** The name has a CNAME, which a nameserver's name must not have (RFC 2181 §10.3). */
  readonly alias: boolean;
  /** Why the resolver did not answer; undefined if it did. */
  readonly failure: string | undefined;
}

/** Resolves the A and AAAA records of a name. */
export async function findAddresses(lookup: Lookup, name: DomainName): Promise<FoundAddresses> {
  const results = await Promise.all([lookup.resolve(name, RRType.A), lookup.resolve(name, RRType.AAAA)]);
  const addresses: IpAddress[] = [];
  let alias = false;
  let failure: string | undefined;
  for (const [index, result] of results.entries()) {
    if (result.kind === 'none') {
      failure ??= result.text;
      continue;
    }
    if (result.rcode !== 'NOERROR' && result.rcode !== 'NXDOMAIN') {
      failure ??= `the resolver answered ${result.rcode} for '${name}'`;
    }
    const owner = followAliases(result.answers, name);
    alias ||= !owner.equals(name);
    addresses.push(
      ...addressesAt(result.answers, owner, index === 0 ? RRType.A : RRType.AAAA).slice(0, MAX_ADDRESSES / 2),
    );
  }
  return { addresses, alias, failure };
}

/** The distinct addresses of one owner name and type. */
export function addressesAt(records: readonly ResourceRecord[], ownerName: DomainName, type: number): IpAddress[] {
  const rrset = records.filter((record) => record.type === type && record.ownerName.equals(ownerName));
  return parseAddresses(rrsetAddresses(rrset.map(({ rdata }) => rdata)));
}

export function parseAddresses(texts: readonly string[]): IpAddress[] {
  return [...new Set(texts)].map((text) => parseIpAddress(text)).filter((address) => address !== undefined);
}

function followAliases(records: readonly ResourceRecord[], name: DomainName): DomainName {
  let at = name;
  for (let step = 0; step < MAX_ALIASES; step++) {
    const alias = records.find(({ type, ownerName }) => type === RRType.CNAME && ownerName.equals(at));
    if (alias?.rdata.kind !== 'CNAME') return at;
    at = alias.rdata.target;
  }
  return at;
}

/** Why the internet cannot reach an address, as the end of a sentence; undefined for a public address. */
export function whyLocal(address: IpAddress): string | undefined {
  const block = blockOf(addressOctets(address));
  return block && `is ${block.what}`;
}

/** Whether only this machine can connect: loopback addresses, and `localhost`. */
export function isLoopback(host: string): boolean {
  const address = parseIpAddress(host);
  return address === undefined ? host === 'localhost' : whyLocal(address) === 'is a loopback address';
}

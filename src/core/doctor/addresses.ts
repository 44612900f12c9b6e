/**
 * Addresses of nameservers for `dyndns doctor`: resolves names, and recognizes addresses that the internet cannot reach
 * (RFC 1918 §3, RFC 6598 §7, RFC 4193 §3.1, RFC 6890 §2.2). Replies are cut to a few addresses, CNAME chains to a few
 * steps.
 */
import {
  addressOctets,
  type IpAddress,
  type IpPrefix,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
} from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { type ResourceRecord, RRType } from '../../dns/rdata.ts';
import { rrsetAddresses } from '../../dns/rrset.ts';
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

const LOCAL: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'is not the address of a machine'],
  ['10.0.0.0/8', 'is private'],
  ['100.64.0.0/10', "is behind a carrier's NAT"],
  ['127.0.0.0/8', 'is a loopback address'],
  ['169.254.0.0/16', 'is link-local'],
  ['172.16.0.0/12', 'is private'],
  ['192.168.0.0/16', 'is private'],
  ['::/128', 'is not the address of a machine'],
  ['::1/128', 'is a loopback address'],
  ['fc00::/7', 'is private'],
  ['fe80::/10', 'is link-local'],
];

const LOCAL_PREFIXES = LOCAL.map(([text, what]) => ({ prefix: parseIpPrefix(text)!, what }));

/** Why the internet cannot reach an address, as the end of a sentence; undefined for a public address. */
export function whyLocal(address: IpAddress): string | undefined {
  const octets = addressOctets(address);
  return LOCAL_PREFIXES.find(({ prefix }) => prefixContains(prefix, octets))?.what;
}

/** Whether the whole prefix is within addresses that the internet does not route. */
export function isLocalPrefix(prefix: IpPrefix): boolean {
  return LOCAL_PREFIXES.some(
    ({ prefix: local }) => prefix.length >= local.length && prefixContains(local, prefix.octets),
  );
}

/** Whether only this machine can connect: loopback addresses, and `localhost`. */
export function isLoopback(host: string): boolean {
  const address = parseIpAddress(host);
  return address === undefined ? host === 'localhost' : whyLocal(address) === 'is a loopback address';
}

/**
 * Whether a name that clients use for HTTPS leads to this machine. Behind NAT that cannot be known: the public address is
 * the router's. Only a name without an address, or one that leads away from a machine with a public address, is reported.
 */
import { addressOctets, type IpAddress } from '../../dns/address.ts';
import { blockOf } from './special-addresses.ts';

/**
 * @param addresses of the name
 * @param machine the addresses of this machine
 * @returns the end of a sentence; undefined if the name leads here, or that cannot be known
 */
export function whyNotHere(addresses: readonly IpAddress[], machine: readonly IpAddress[]): string | undefined {
  if (addresses.length === 0) return 'has no address';
  const own = new Set(machine.map(({ text }) => text));
  if (addresses.some(({ text }) => own.has(text))) return undefined;
  const here = machine.filter(isPublic);
  // A router may forward these to this machine.
  if (addresses.some(({ family }) => !here.some((address) => address.family === family))) return undefined;
  const list = (texts: readonly IpAddress[]) => texts.map(({ text }) => text).join(', ');
  return `leads to ${list(addresses)}, and this machine has ${list(here)}`;
}

export function isPublic(address: IpAddress): boolean {
  return blockOf(addressOctets(address)) === undefined;
}

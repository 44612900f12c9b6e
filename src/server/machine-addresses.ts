/** The addresses of this machine's interfaces, without loopback and link-local ones; public addresses first. */
import { networkInterfaces } from 'node:os';
import { isPublic } from '../core/zones/leads-here.ts';
import { type IpAddress, parseIpAddress } from '../dns/address.ts';

export function machineAddresses(): readonly IpAddress[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .flatMap(({ address }) => parseIpAddress(address) ?? []);
  return [...addresses.filter(isPublic), ...addresses.filter((address) => !isPublic(address))];
}

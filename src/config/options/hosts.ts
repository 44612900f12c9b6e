/** Rows: `hosts`, the settings of single hosts. */
import type { HostConfig, MemberConfig } from '../config.ts';
import { interfaceId, ipAddress, ipPrefix, macAddress } from '../kinds/addresses.ts';
import { listOf } from '../kinds/kind.ts';
import { fullOwnerName } from '../kinds/names.ts';
import { integer, subnetNumber, ttl, yesOrNo } from '../kinds/words.ts';
import { optionsFor } from './option.ts';

const option = optionsFor<HostConfig>();
const ofMember = optionsFor<MemberConfig>();

const upToTenYears = integer(0, 315_360_000);

export const HOST_OPTIONS = {
  'hosts[].name': option(fullOwnerName, {
    place: 'ownerName',
    required: 'the full name of the host',
    summary: 'The full name of the host, in one of the zones of the file.',
    example: 'home.dyndns.example.com',
  }),
  'hosts[].ttl': option(ttl, {
    place: 'ttl',
    unit: 'seconds',
    otherwise: 'the TTL of the zone',
    summary: 'The TTL of its records if a request does not contain one, within the limits of the zone.',
    example: '60',
  }),
  'hosts[].enabled': option(yesOrNo, {
    place: 'enabled',
    default: true,
    summary: 'Permits changes to the host. With `false` its records remain as they are.',
    example: 'true',
  }),
  'hosts[].addresses.allow': option(listOf(ipPrefix), {
    place: 'addresses.allow',
    default: [],
    summary: 'As for the zone. Applied before the rules of the zone.',
    example: "['198.51.100.0/24']",
  }),
  'hosts[].addresses.deny': option(listOf(ipPrefix), {
    place: 'addresses.deny',
    default: [],
    summary: 'As for the zone. Applied before the rules of the zone.',
    example: "['198.51.0.0/16']",
  }),
  'hosts[].silent_after_seconds': option(upToTenYears, {
    default: 0,
    unit: 'seconds',
    summary:
      'How long the host may go without an update before dyndns reports it as silent, once, in the log and by webhooks; 0 ' +
      'disables this. Requires `store`. Choose more than the time between two updates of its client.',
    example: '86400',
  }),
  'hosts[].lease_seconds': option(upToTenYears, {
    default: 0,
    unit: 'seconds',
    summary:
      'How long its addresses stay published without an update; then they are removed until the next update. 0 means no ' +
      'limit. Requires `store`.',
    example: '604800',
  }),
  'hosts[].fallback': option(listOf(ipAddress), {
    default: [],
    summary:
      'The addresses that are published after the lease (`lease_seconds`) has expired: at most eight IPv4 and eight IPv6 ' +
      'addresses.',
    example: "[192.0.2.99, '2001:db8::99']",
  }),
  'hosts[].interface_id': option(interfaceId, {
    place: 'interfaceId',
    otherwise: 'what the published AAAA record has behind the prefix',
    summary:
      'The lower half of its own IPv6 address. When an update contains a prefix and no IPv6 address, this follows the prefix. ' +
      'An entry of the host among its `members` takes precedence.',
    example: "'::1'",
  }),
  'hosts[].prefix_length': option(integer(56, 64), {
    place: 'prefixLength',
    otherwise: 'such an update moves the host alone',
    unit: 'bits',
    summary:
      'Lets the members follow an update that has an IPv6 address of the host and no prefix: the prefix of this length around ' +
      'the address moves them. Set this only if the address is in the prefix of the members. It has no effect on updates of ' +
      'a FRITZ!Box, whose own address may be in another prefix than its LAN.',
    example: '64',
  }),
  'hosts[].members[].name': ofMember(fullOwnerName, {
    place: 'ownerName',
    required: 'the full name of the member',
    summary:
      'The full name of a host behind the same IPv6 prefix, in the same zone. When an update of the host contains the ' +
      'prefix, the addresses of all its members change with it in one step. The name of the host itself sets its own ' +
      'address below the prefix.',
    example: 'nas.home.dyndns.example.com',
  }),
  'hosts[].members[].interface_id': ofMember(interfaceId, {
    otherwise: 'made from `mac`',
    summary: 'The lower half of its address. Each member has this or `mac`; this one applies if both are set.',
    example: "'::10'",
  }),
  'hosts[].members[].mac': ofMember(macAddress, {
    otherwise: '`interface_id` is required',
    summary: 'The MAC address from which its interface identifier is made (RFC 4291 appendix A).',
    example: "'00:11:22:33:44:55'",
  }),
  'hosts[].members[].subnet': ofMember(subnetNumber, {
    place: 'subnet',
    default: 0,
    summary:
      'The number of its subnet below the prefix, if the prefix is shorter than /64. If the prefix has no room for the ' +
      'number, the member is not changed, and the history shows this.',
    example: '3',
  }),
};

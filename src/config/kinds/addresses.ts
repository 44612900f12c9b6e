/** Kinds for IP addresses and prefixes, interface identifiers and MAC addresses. */
import { formatIpPrefix, type IpAddress, type IpPrefix, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { parseInterfaceId, parseMac } from '../../dns/interface-id.ts';
import { formatYamlText, listOf, type ScalarKind, scalar, ValueError, type WordOrListKind } from './kind.ts';
import { choice } from './words.ts';

export const ipAddress: ScalarKind<IpAddress> = scalar(
  'an IPv4 or IPv6 address',
  (text) => {
    if (text === 'embedded') {
      throw new ValueError("'embedded' applies to a single zone; write `nameserver: embedded` in each such zone.");
    }
    return parseIpAddress(text);
  },
  (address) => formatYamlText(address.text),
);

export const zonePrimary: ScalarKind<IpAddress | 'embedded'> = scalar(
  'an IPv4 or IPv6 address, or embedded',
  (text) => (text === 'embedded' ? text : parseIpAddress(text)),
  (primary) => (primary === 'embedded' ? primary : formatYamlText(primary.text)),
);

export const ipPrefix: ScalarKind<IpPrefix> = scalar(
  'an IP address or a prefix like 192.0.2.0/24 whose host bits are zero',
  parseIpPrefix,
  (prefix) => formatYamlText(formatIpPrefix(prefix)),
);

const TOKEN_ADDRESSES = 'any, own, or a list of IP addresses and prefixes like [192.0.2.0/24]';

export const tokenAddresses: WordOrListKind<'any' | 'own', IpPrefix> = {
  form: 'word or list',
  word: { ...choice('any', 'own'), allowed: TOKEN_ADDRESSES },
  list: listOf(ipPrefix, 1),
  allowed: TOKEN_ADDRESSES,
};

export const interfaceId: ScalarKind<string> = scalar(
  'an interface identifier, the lower 64 bits of an address, like ::10',
  parseInterfaceId,
);

export const macAddress: ScalarKind<string> = scalar('a MAC address, like 00:11:22:33:44:55', parseMac);

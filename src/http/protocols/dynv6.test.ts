/** The address parameters of dynv6, also those that only change the members of a host. */
import { expect, it } from 'vitest';
import { textsOf } from '../../../test/support/wanted-addresses.ts';
import { AppError } from '../../core/errors.ts';
import { formatIpPrefix, parseIpAddress } from '../../dns/address.ts';
import { joinParameters } from '../request/update-parameters.ts';
import { chooseAddresses } from './dynv6.ts';

const V4 = '198.51.100.7';
const V6 = '2001:db8:7:8::7';

function wanted(text: string, caller: string | undefined) {
  const parameters = joinParameters(Object.fromEntries(new URLSearchParams(text)), undefined);
  try {
    const choice = chooseAddresses(parameters, caller ? parseIpAddress(caller) : undefined);
    const { prefix, prefix4 } = choice;
    const texts = { ...textsOf(choice.wanted), ...(prefix4 && { prefix4: formatIpPrefix(prefix4) }) };
    return prefix === undefined ? texts : { ...texts, prefix: formatIpPrefix(prefix) };
  } catch (error) {
    return error instanceof AppError ? error.code : error;
  }
}

it.each([
  ['', V4, {}],
  ['ipv4=&ipv6=&ipv6prefix=', V4, {}],
  ['ipv4=192.0.2.1', undefined, { A: '192.0.2.1' }],
  ['ipv4=192.0.2.1/24', undefined, { A: '192.0.2.1' }],
  ['ipv4=-&ipv6=-', V4, { A: null, AAAA: null }],
  ['ipv4=auto', V4, { A: V4 }],
  ['ipv4=auto&ipv6=auto', V4, { A: V4 }],
  ['ipv4=auto&ipv6=auto', V6, { AAAA: V6 }],
  ['ipv4=auto&ipv6=2001:db8::1', V6, { AAAA: '2001:db8::1' }],
  ['ipv4=auto&ipv6=-', V6, { AAAA: null }],
  ['ipv6=auto&ipv6prefix=auto', V6, { AAAA: V6, prefix: '2001:db8:7:8::/64' }],
  ['ipv4=auto', undefined, 'caller-unknown'],
  ['ipv6=auto', undefined, 'caller-unknown'],
  ['ipv6prefix=auto', undefined, 'caller-unknown'],
  ['ipv4=192.0.2.1&ipv6=auto', undefined, 'caller-unknown'],
  ['ipv4=auto', V6, 'address-invalid'],
  ['ipv6=auto&ipv6prefix=auto', V4, 'address-invalid'],
  ['ipv6=2001:DB8::1:0', V4, { AAAA: '2001:db8::1:0' }],
  // The address of the host, and the prefix of its members.
  ['ipv6=2001:db8:1:2::10/64', V4, { AAAA: '2001:db8:1:2::10', prefix: '2001:db8:1:2::/64' }],
  ['ipv6=2001:db8:1:2::10/56', V4, { AAAA: '2001:db8:1:2::10', prefix: '2001:db8:1::/56' }],
  ['ipv6=2001:db8:1:2::10/128', V4, { AAAA: '2001:db8:1:2::10' }],
  ['ipv6=2001:db8:1:2::10/65', V4, { AAAA: '2001:db8:1:2::10' }],
  ['ipv6=2001:db8:1:2::10/8', V4, { AAAA: '2001:db8:1:2::10' }],
  ['ipv6=2001:db8:1:2::10/64&ipv6prefix=2001:db8:9::/56', V4, { AAAA: '2001:db8:1:2::10', prefix: '2001:db8:9::/56' }],
  ['ipv6=2001:db8:1:2::10/64&ipv6prefix=-', V4, { AAAA: '2001:db8:1:2::10' }],
  ['ipv6=-&ipv6prefix=2001:db8:9::/56', V4, { AAAA: null, prefix: '2001:db8:9::/56' }],
  ['ipv6=2001:db8:1:2::/64', V4, { prefix: '2001:db8:1:2::/64' }],
  ['ipv6prefix=2001:db8:1:2::/64', V4, { prefix: '2001:db8:1:2::/64' }],
  ['ipv6prefix=2001:db8:1:2::10/60', V4, { prefix: '2001:db8:1::/60' }],
  ['ipv6prefix=2001:db8:1:2', V4, { prefix: '2001:db8:1:2::/64' }],
  ['ipv6prefix=-', V4, {}],
  ['ipv6prefix=192.0.2.0/24', V4, 'address-invalid'],
  ['ipv6prefix=2001:db8::/15', V4, 'address-invalid'],
  ['ipv6=2001:db8:1:2::/96', V4, 'address-invalid'],
  ['ipv4=2001:db8::1', V4, 'address-invalid'],
  ['ipv6=::ffff:192.0.2.1', V4, 'address-invalid'],
  ['ipv4=192.0.2.1&ipv6=x', V4, 'address-invalid'],
])('%j from %j', (text, caller, expected) => expect(wanted(text, caller)).toEqual(expected));

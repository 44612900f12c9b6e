// The checks of an update that need no primary, and their order.
import { expect, it } from 'vitest';
import { wantedOf } from '../../../test/support/wanted-addresses.ts';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { findPermittedHost } from '../access/authorize.ts';
import { MASTER, type Principal } from '../access/principal.ts';
import type { HostToken } from '../access/token.ts';
import { AppError } from '../errors.ts';
import { defaultHostSettings } from '../hosts/host.ts';
import type { ZonePublisher } from '../zones/publisher.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { type AddressChoice, addMembers, prepareUpdate } from './prepare-update.ts';

const apex = DomainName.parse('example.com');
const home = apex.prepend('home');
const nas = apex.prepend('nas');
const prefixes = (...texts: string[]) => texts.map((text) => parseIpPrefix(text)!);

const zone: Zone = {
  apex,
  publisher: {} as ZonePublisher,
  ttl: { max: 3_600 },
  apexAllowed: false,
  wildcardAllowed: false,
  reserved: new Set(),
  addresses: { allow: [], deny: prefixes('192.0.2.128/25') },
  emptyValue: 'keep',
};
const token: HostToken = {
  id: 't1',
  name: 'router1',
  sha256: '',
  hosts: [home, apex],
  types: [RRType.A],
  addresses: prefixes('192.0.2.0/24'),
  createdMs: 0,
};

function prepare(choice: AddressChoice, principal: Principal = MASTER, ownerName = home, policies = [zone.addresses]) {
  const context = { principal, caller: undefined, origin: 'client' } as const;
  const host = findPermittedHost(new ZoneTable([zone]), principal, ownerName);
  return prepareUpdate(host, context, choice, { policies, hostTtl: undefined, fallbackTtl: 60 });
}

function codeOf(...given: Parameters<typeof prepare>): string {
  try {
    prepare(...given);
    return 'passed';
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

it('checks the types of the credential, then the name, then the addresses, then the TTL', () => {
  const by: Principal = { kind: 'token', token };
  const all = { wanted: wantedOf({ A: '198.51.100.1', AAAA: '::1' }), ttl: 3_601 };
  expect(codeOf(all, by, apex)).toBe('not-permitted');
  const { AAAA: _, ...A } = all.wanted;
  expect(codeOf({ ...all, wanted: A }, by, apex)).toBe('name-invalid');
  expect(codeOf({ ...all, wanted: A }, by)).toBe('address-refused');
  expect(codeOf({ ...all, wanted: wantedOf({ A: '192.0.2.200' }) }, by)).toBe('address-refused');
  expect(codeOf({ ...all, wanted: wantedOf({ A: '192.0.2.1' }) }, by)).toBe('request-malformed');
  expect(codeOf({ wanted: wantedOf({ A: '192.0.2.1' }) }, by)).toBe('passed');
});

it('needs the type AAAA where only a prefix is named', () => {
  const choice = { wanted: {}, prefix: parseIpPrefix('2001:db8:5::/56')! };
  expect(codeOf(choice, { kind: 'token', token })).toBe('not-permitted');
  expect(codeOf(choice)).toBe('passed');
});

it('a name outside of the scope and a name in no zone get the same reply', () => {
  const reply = (principal: Principal, text: string) => {
    try {
      return prepare({ wanted: {} }, principal, DomainName.parse(text));
    } catch (error) {
      const { code, message } = error as AppError;
      return { code, message: message.replace(text, 'NAME') };
    }
  };
  const outside = reply({ kind: 'token', token }, 'other.example.com.');
  expect(outside).toMatchObject({ code: 'not-permitted' });
  expect(reply({ kind: 'token', token }, 'other.example.net.')).toEqual(outside);
  expect(reply(MASTER, 'other.example.net.')).toEqual(outside);
});

it('of the policies of zone and host the longest prefix decides, whichever has it', () => {
  const choice = { wanted: wantedOf({ A: '192.0.2.200' }) };
  expect(codeOf(choice)).toBe('address-refused');
  const allowing = { allow: prefixes('192.0.2.200/32'), deny: [] };
  expect(codeOf(choice, MASTER, home, [zone.addresses, allowing])).toBe('passed');
  expect(codeOf(choice, MASTER, home, [allowing, zone.addresses])).toBe('passed');
});

it('checks a member by the policies of its zone, of the host and of its own', () => {
  const prefix = parseIpPrefix('2001:db8:5::/56')!;
  const member = { ownerName: nas, host: { kind: 'interface-id', text: '::10' }, subnet: 1 } as const;
  const host = { ...defaultHostSettings(home), members: [member] };
  const denying = { allow: [], deny: prefixes('2001:db8:5:1::/64') };
  const update = prepare({ wanted: {}, prefix });
  const { members } = addMembers(update, prefix, host, new Map(), 60);
  expect(members).toMatchObject([{ ownerName: nas, address: { text: '2001:db8:5:1::10' }, ttl: 60 }]);
  const own = new Map([[nas.key, { ...defaultHostSettings(nas), addresses: denying, ttl: 30 }]]);
  expect(() => addMembers(update, prefix, host, own, 60)).toThrow(AppError);
  const ofHost = { ...update, policies: [...update.policies, denying] };
  expect(() => addMembers(ofHost, prefix, host, new Map(), 60)).toThrow(AppError);
});

// The parameter table of dyndns2: which hosts and which addresses a request means.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textsOf } from '../../../test/support/wanted-addresses.ts';
import { AppError } from '../../core/errors.ts';
import { formatIpPrefix, parseIpAddress } from '../../dns/address.ts';
import {
  chooseAddresses,
  chooseDeletions,
  findParameter,
  lowerCaseNames,
  PARAMETERS,
  parametersOf,
  readHosts,
  readOwnParameters,
} from './update-parameters.ts';

const V4 = '203.0.113.45';
const V6 = '2001:db8:1:2:3:4:5:6';
const CALLER = '198.51.100.7';
const CALLER6 = '2001:db8:7::7';

/** As a query would give them; nothing here is a list. */
const query = (text: string) =>
  lowerCaseNames(Object.fromEntries([...new URLSearchParams(text)].map(([name, value]) => [name, value])));

/** What is wanted, in short: `{A: …, AAAA: …, prefix: '…/60'}`, or the code of the error. */
function wanted(text: string, caller: string | undefined = CALLER, emptyValue: 'keep' | 'clear' = 'keep') {
  try {
    const choice = chooseAddresses(query(text), caller === '' ? undefined : parseIpAddress(caller), emptyValue);
    const { prefix } = choice;
    const stays = choice.ownStays ? { ownStays: true } : {};
    const texts = textsOf(choice.wanted);
    return prefix === undefined ? texts : { ...texts, prefix: formatIpPrefix(prefix), ...stays };
  } catch (error) {
    return error instanceof AppError ? error.code : error;
  }
}

describe('hosts', () => {
  it.each([
    ['hostname=a.example.com', ['a.example.com']],
    ['hostname=a.example.com,b.example.com.,, c.example.com ,', ['a.example.com', 'b.example.com', 'c.example.com']],
    ['Hostname=a.example.com', ['a.example.com']],
    ['hostname=&domains=a,b', ['a', 'b']],
    ['hostname=YES&host_id=a.example.com', ['a.example.com']],
    ['hostname=yes', []],
    ['host_id=a.example.com', ['a.example.com']],
    ['a.example.com', ['a.example.com']],
    ['a.example.com&myip=192.0.2.1', ['a.example.com']],
    ['a.example.com,b.example.com', ['a.example.com', 'b.example.com']],
    ['hostname=b.example.com&a.example.com', ['b.example.com']],
    ['a.example.com=1', []],
    ['hostname=', []],
    ['hostname=,', []],
    ['hostname=.', []],
    ['myip=', []],
    ['', []],
  ])('%j', (text, hosts) => expect(readHosts(query(text))).toEqual(hosts));

  it.each(PARAMETERS.host)('may be in %s', (name) => {
    expect(readHosts(query(`${encodeURIComponent(name)}=a.example.com`))).toEqual(['a.example.com']);
  });
});

describe('credentials', () => {
  it('are read in the order of the table, and empty ones are ignored', () => {
    expect(findParameter(query('key=k&password=p&token=&secret='), 'credential')).toBe('p');
    expect(findParameter(query('token=&pass='), 'credential')).toBeUndefined();
    for (const name of PARAMETERS.credential) expect(findParameter(query(`${name}=x`), 'credential')).toBe('x');
  });
});

describe('addresses', () => {
  it.each(PARAMETERS.any)('%s has one of either family, or both', (name) => {
    expect(wanted(`${name}=${V4}`)).toEqual({ A: V4 });
    expect(wanted(`${name}=${V6}`)).toEqual({ AAAA: V6 });
    expect(wanted(`${name}=${V6},${V4}`)).toEqual({ A: V4, AAAA: V6 });
    expect(wanted(`${name}=-`)).toEqual({ A: null, AAAA: null });
    expect(wanted(`${name}=auto`)).toEqual({ A: CALLER });
    expect(wanted(`${name}=`)).toEqual({ A: CALLER });
    expect(wanted(`${name}=preserve`)).toEqual({});
  });

  describe.each([
    ...PARAMETERS.A.map((name) => ['A', name, V4, V6, CALLER, CALLER6] as const),
    ...PARAMETERS.AAAA.map((name) => ['AAAA', name, V6, V4, CALLER6, CALLER] as const),
  ])('of %s, in %s', (family, name, own, other, caller, otherCaller) => {
    it('have an address of that family alone', () => {
      expect(wanted(`${name}=${own}`)).toEqual({ [family]: own });
      expect(wanted(`${name}=${other}`)).toBe('address-invalid');
      expect(wanted(`${name}=${other},${own}`)).toEqual({ [family]: own });
    });

    it('preserve and no keep it, - deletes it, auto takes that of the caller if it is of the family', () => {
      expect(wanted(`${name}=preserve`)).toEqual({});
      expect(wanted(`${name}=NO`)).toEqual({});
      expect(wanted(`${name}=-`)).toEqual({ [family]: null });
      expect(wanted(`${name}=auto`, caller)).toEqual({ [family]: caller });
      expect(wanted(`${name}=auto`, otherCaller)).toEqual({});
      expect(wanted(`${name}=auto`, '')).toBe('caller-unknown');
      expect(wanted(`${name}=auto&myip=192.0.2.1,2001:db8::1`, '')).toBe('caller-unknown');
    });

    it('an empty one keeps it, or clears it where the zone says so, and the address of the caller is never used', () => {
      expect(wanted(`${name}=`)).toEqual({});
      expect(wanted(`${name}=`, caller, 'clear')).toEqual({ [family]: null });
    });
  });

  it.each([
    ['', { A: CALLER }],
    ['wildcard=NOCHG&mx=&backmx=NO&system=dyndns&url=http://x/&_ip6addr=2001:db8::1&log=1', { A: CALLER }],
    ['myip=&myipv6=', { A: CALLER }],
    ['myip=no&myipv6=', {}],
    ['myip=no&myipv6=2001:db8::1', { AAAA: '2001:db8::1' }],
    ['myip=&myipv6=2001:db8::1', { AAAA: '2001:db8::1' }],
    ['myip=&ip=192.0.2.1', { A: '192.0.2.1' }],
    ['myipv6=preserve&myip=192.0.2.1', { A: '192.0.2.1' }],
    ['myip=192.0.2.1&myipv4=192.0.2.2', { A: '192.0.2.2' }],
    ['myip=192.0.2.1,192.0.2.2', { A: '192.0.2.1' }],
    ['myip=192.0.2.1 2001:db8::1', { A: '192.0.2.1', AAAA: '2001:db8::1' }],
    ['myip=192.0.2.1&myipv4=', { A: '192.0.2.1' }],
    ['myip=192.0.2.1/24', { A: '192.0.2.1' }],
    ['myip=2001:DB8:0:0::1/64', { AAAA: '2001:db8::1' }],
    ['myip=::ffff:192.0.2.1', { A: '192.0.2.1' }],
    ['myip=<preserve>', 'address-invalid'],
    ['myip=192.0.2', 'address-invalid'],
    ['myip=192.0.2.1/33', 'address-invalid'],
    ['myip=192.0.2.1/x', 'address-invalid'],
    ['myip=fe80::1%25eth0', 'address-invalid'],
    ['myip=0x7f000001', 'address-invalid'],
    ['myip=010.1.1.1', 'address-invalid'],
    ['myip=192.0.2,2001:db8::1', { AAAA: '2001:db8::1' }],
    ['myip=2a00::/64%26:8:a:5:8b61&ip=', 'address-invalid'],
    ['myipv4=<preserve>&myipv6=2001:db8::1', { AAAA: '2001:db8::1' }],
    ['myipv4=x&myipv6=preserve', 'address-invalid'],
    ['myipv4=x&myipv6=-', 'address-invalid'],
    ['myipv4=x&myipv6=', 'address-invalid'],
    ['offline=YES&myip=192.0.2.1', { A: null, AAAA: null }],
    ['offline=NO&myip=192.0.2.1', { A: '192.0.2.1' }],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));

  it('of both families where the caller has the other one: only its own changes', () => {
    expect(wanted('hostname=a', CALLER6)).toEqual({ AAAA: CALLER6 });
    expect(wanted('hostname=a', '')).toBe('caller-unknown');
    expect(wanted('myip=192.0.2.1', '')).toEqual({ A: '192.0.2.1' });
  });

  it('an empty family beside a given one', () => {
    expect(wanted('myipv4=192.0.2.1&myipv6=')).toEqual({ A: '192.0.2.1' });
    expect(wanted('myipv4=192.0.2.1&myipv6=', CALLER, 'clear')).toEqual({ A: '192.0.2.1', AAAA: null });
    expect(wanted('myip=&myipv6=', CALLER, 'clear')).toEqual({ A: CALLER, AAAA: null });
    expect(wanted('myipv4=192.0.2.1&myipv6=preserve', CALLER, 'clear')).toEqual({ A: '192.0.2.1' });
  });
});

describe('prefixes', () => {
  it.each(PARAMETERS.prefix)('may be in %s', (name) => {
    expect(wanted(`${name}=2001:db8:0:10::/60`)).toEqual({ prefix: '2001:db8:0:10::/60' });
  });

  it.each([
    ['ipv6prefix=2001:db8:0:1f::/60', { prefix: '2001:db8:0:10::/60' }],
    ['ipv6prefix=2001:db8:0:1f::1/64', { prefix: '2001:db8:0:1f::/64' }],
    ['ipv6prefix=2001:db8:abcd:ef00', { prefix: '2001:db8:abcd:ef00::/64' }],
    ['ipv6prefix=2001:db8:abcd:ef00:', { prefix: '2001:db8:abcd:ef00::/64' }],
    ['ipv6prefix=2001:db8:abcd:ef00/56', { prefix: '2001:db8:abcd:ef00::/56' }],
    ['ipv6prefix=2001:db8:abcd:ef00::', { prefix: '2001:db8:abcd:ef00::/64' }],
    ['ipv6prefix=2001:db8:a:b:1:2:3:4', { prefix: '2001:db8:a:b::/64' }],
    ['ipv6prefix=', {}],
    ['ipv6prefix=preserve', {}],
    ['ipv6prefix=-', { AAAA: null }],
    ['ipv6prefix=auto', 'address-invalid'],
    ['ipv6prefix=2001:db8::/65', 'address-invalid'],
    ['ipv6prefix=2001:db8::/15', 'address-invalid'],
    ['ipv6prefix=2001:db8::/48/48', 'address-invalid'],
    ['ipv6prefix=192.0.2.0/24', 'address-invalid'],
    ['ipv6prefix=x', 'address-invalid'],
    ['ipv6prefix=x&myip=192.0.2.1', { A: '192.0.2.1' }],
    ['myip=no&ipv6prefix=2001:db8::/56', { prefix: '2001:db8::/56' }],
    ['myip=&ipv6prefix=2001:db8::/56', { prefix: '2001:db8::/56' }],
    ['myip=192.0.2.1&ipv6prefix=2001:db8::/56', { A: '192.0.2.1', prefix: '2001:db8::/56' }],
    // The prefix is for the members of the host then.
    [
      'myip=192.0.2.1,2001:db8:9::7&ip6lanprefix=2001:db8::/56',
      { A: '192.0.2.1', AAAA: '2001:db8:9::7', prefix: '2001:db8::/56' },
    ],
    ['myipv6=preserve&ipv6prefix=2001:db8::/56', { prefix: '2001:db8::/56', ownStays: true }],
    // An address with only zeros in its lower half and a length is a prefix in every parameter.
    ['myip=192.0.2.1,2001:db8:0:12::/56', { A: '192.0.2.1', prefix: '2001:db8::/56' }],
    ['myipv6=2001:db8:0:12::/64', { prefix: '2001:db8:0:12::/64' }],
    ['myipv6=2001:db8:0:12::/128', { AAAA: '2001:db8:0:12::' }],
    ['myipv6=2001:db8:0:12::', { AAAA: '2001:db8:0:12::' }],
    ['myipv6=2001:db8:0:12::/80', 'address-invalid'],
    ['myipv4=2001:db8:0:12::/64', 'address-invalid'],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));

  it('auto is the /64 of the caller', () => {
    expect(wanted('ipv6prefix=auto', CALLER6)).toEqual({ prefix: '2001:db8:7::/64' });
  });
});

describe('deletions', () => {
  const deleted = (text: string) => chooseDeletions(query(text), parseIpAddress(CALLER)).wanted;

  it('concern both families, or those of the addresses that are named', () => {
    expect(deleted('hostname=a')).toEqual({ A: null, AAAA: null });
    expect(deleted('myip=')).toEqual({ A: null, AAAA: null });
    expect(deleted(`myip=${V4}`)).toEqual({ A: null });
    expect(deleted(`myipv6=${V6}`)).toEqual({ AAAA: null });
    expect(deleted(`myip=${V4},${V6}`)).toEqual({ A: null, AAAA: null });
    expect(deleted('myip=auto')).toEqual({ A: null });
  });

  it('what cannot be read deletes nothing', () => {
    expect(() => deleted('myip=x')).toThrow(AppError);
  });
});

it('any parameters give addresses, or address-invalid', () => {
  const names = fc.constantFrom(...Object.values(PARAMETERS).flat(), 'offline', 'x');
  const piece = fc.constantFrom(V4, V6, '-', 'auto', 'no', 'preserve', '', ',', '/', ':', '::', '64', ' ', 'YES', '%');
  const value = fc.oneof(
    fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('')),
    fc.string({ maxLength: 12 }),
  );
  const callers = fc.constantFrom(undefined, parseIpAddress(CALLER), parseIpAddress(CALLER6));
  fc.assert(
    fc.property(fc.dictionary(names, value), callers, fc.constantFrom('keep', 'clear'), (parameters, caller, empty) => {
      const given = lowerCaseNames(parameters);
      readHosts(given);
      for (const choose of [chooseAddresses, chooseDeletions]) {
        try {
          const { wanted: addresses, prefix, ownStays } = choose(given, caller, empty as 'keep');
          for (const address of [addresses.A, addresses.AAAA])
            if (address) expect(parseIpAddress(address.text)).toEqual(address);
          if (prefix) expect(prefix.family).toBe(6);
          if (ownStays) expect([addresses.AAAA, prefix?.length !== undefined]).toEqual([undefined, true]);
        } catch (error) {
          const { code } = error as AppError;
          expect(caller === undefined ? ['address-invalid', 'caller-unknown'] : ['address-invalid']).toContain(code);
        }
      }
    }),
    { numRuns: 3000 },
  );
});

describe('parameters of one host', () => {
  const own = (text: string) => {
    const found = readOwnParameters(query(text));
    return found && Object.fromEntries(found);
  };

  it('are found by the host in lower case, of each family; other names with a colon are nothing', () => {
    expect(own('hostname=a.example.com&myip=192.0.2.1&ipv6prefix=2001:db8::/64')).toBeUndefined();
    expect(own('myipv4:A.example.com.=192.0.2.1&MyIPv6:a.example.com=&myipv6:b.example.com=preserve')).toEqual({
      'a.example.com': { myipv4: '192.0.2.1', myipv6: '' },
      'b.example.com': { myipv6: 'preserve' },
    });
    for (const text of ['myipv5:a=x', 'myipv6:=x', 'myipv6=x', 'xmyipv6:a=x', '_proto:a=x']) {
      expect(own(text), text).toBeUndefined();
    }
  });

  it('an empty one is not a host of the request', () => {
    expect(readHosts(query('myipv6:a.example.com='))).toEqual([]);
    expect(readHosts(query('myipv6:a.example.com=&b.example.com'))).toEqual(['b.example.com']);
  });

  it('come before those of the request, of which a host that only they name has nothing', () => {
    const parameters = query(
      'hostname=a.example.com&myip=192.0.2.1,2001:db8::1&myipv6:a.example.com=2001:db8::a&ttl=30',
    );
    const both = readOwnParameters(parameters);
    const choose = (host: string, isNamed: boolean) =>
      textsOf(chooseAddresses(parametersOf(parameters, both, host, isNamed), undefined, 'keep').wanted);
    expect(choose('A.example.com', true)).toEqual({ A: '192.0.2.1', AAAA: '2001:db8::a' });
    expect(choose('b.example.com', true)).toEqual({ A: '192.0.2.1', AAAA: '2001:db8::1' });
    expect(choose('a.example.com', false)).toEqual({ AAAA: '2001:db8::a' });
    expect(parametersOf(parameters, both, 'a.example.com', false)['ttl']).toBe('30');
  });
});

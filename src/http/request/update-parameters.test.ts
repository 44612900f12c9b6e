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
  MAX_ADDRESSES,
  namesHostOrAddress,
  oneOfEachFamily,
  PARAMETERS,
  parametersOf,
  readHosts,
  readOwnParameters,
  readParameters,
} from './update-parameters.ts';

const V4 = '203.0.113.45';
const V6 = '2001:db8:1:2:3:4:5:6';
const CALLER = '198.51.100.7';
const CALLER6 = '2001:db8:7::7';

/** As the app gives them to a protocol: the first text of each name, and all of those that are repeated. */
function query(text: string) {
  const all = new URLSearchParams(text);
  const names = [...new Set(all.keys())];
  const repeated = new Map(
    names.map((name) => [name, all.getAll(name)] as const).filter(([, texts]) => texts.length > 1),
  );
  const parameters = Object.fromEntries(names.map((name) => [name, all.getAll(name)[0]]));
  return readParameters({ parameters, repeated: repeated.size === 0 ? undefined : repeated });
}

/** What is wanted, in short: `{A: …, AAAA: …, prefix: '…/60'}`, or the code of the error. */
function wanted(text: string, caller: string | undefined = CALLER, emptyValue: 'keep' | 'clear' = 'keep') {
  try {
    const choice = chooseAddresses(query(text), caller === '' ? undefined : parseIpAddress(caller), emptyValue);
    const { prefix, prefix4 } = choice;
    const stays = choice.ownStays ? { ownStays: true } : {};
    const texts = { ...textsOf(choice.wanted), ...(prefix4 && { prefix4: formatIpPrefix(prefix4) }) };
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
    ['hostname=a&hostname=b,c&HostName=d', ['a', 'b', 'c', 'd']],
    ['hostname=&hostname=b', ['b']],
    ['hostname=a&hostname=a', ['a', 'a']],
    ['h[]=a&h[]=b', ['a', 'b']],
    ['hostname=a&domain=b', ['a']],
    ['domain=home.example.com&praefix=nas', ['nas.home.example.com']],
    ['domain=home.example.com.&praefix= cafe ', ['cafe.home.example.com']],
    ['domain=home.example.com&praefix=2001:db8::/64', ['home.example.com']],
    ['domain=home.example.com&praefix=2001:db8::/99', ['home.example.com']],
    ['domain=home.example.com&praefix=', ['home.example.com']],
    ['domain=home.example.com&praefix=auto', ['home.example.com']],
    ['myip=', []],
    ['', []],
  ])('%j', (text, hosts) => expect(readHosts(query(text))).toEqual(hosts));

  it('a label in praefix needs one host', () => {
    for (const text of ['praefix=nas', 'praefix=nas&domain=a,b', 'praefix=nas&domain=']) {
      expect(() => readHosts(query(text)), text).toThrow('`praefix`');
    }
  });

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
      expect(wanted(`${name}=preserve`, caller)).toEqual({});
      expect(wanted(`${name}=NO`, caller)).toEqual({});
      expect(wanted(`${name}=NO`, otherCaller)).toEqual({});
      expect(wanted(`${name}=-`)).toEqual({ [family]: null });
      expect(wanted(`${name}=auto`, caller)).toEqual({ [family]: caller });
      expect(wanted(`${name}=auto`, otherCaller)).toEqual({});
      expect(wanted(`${name}=auto`, '')).toBe('caller-unknown');
      expect(wanted(`${name}=auto&myip=192.0.2.1,2001:db8::1`, '')).toBe('caller-unknown');
    });

    it('preserve alone leaves the other family to the caller, if it is of that one', () => {
      const otherFamily = family === 'A' ? 'AAAA' : 'A';
      expect(wanted(`${name}=preserve`, otherCaller)).toEqual({ [otherFamily]: otherCaller });
      expect(wanted(`${name}=preserve&myip=no`, otherCaller)).toEqual({});
      expect(wanted(`${name}=preserve`, '')).toBe('caller-unknown');
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
    ['myip=192.0.2.1,192.0.2.2', { A: '192.0.2.1,192.0.2.2' }],
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

describe('several addresses of one family', () => {
  const v4 = (count: number) => Array.from({ length: count }, (_, n) => `192.0.2.${n + 1}`);
  const v6 = (count: number) => Array.from({ length: count }, (_, n) => `2001:db8::${n + 1}`);

  it.each([
    ['myip=192.0.2.1&myip=192.0.2.2', { A: '192.0.2.1,192.0.2.2' }],
    ['myip=192.0.2.1&MyIP=2001:db8::1&MYIP=192.0.2.2', { A: '192.0.2.1,192.0.2.2', AAAA: '2001:db8::1' }],
    ['myip=192.0.2.1&ip=192.0.2.2&address=192.0.2.1', { A: '192.0.2.1,192.0.2.2' }],
    ['myip=nonsense&ip=10.4.2.1', { A: '10.4.2.1' }],
    ['myip=2001:db8::1&ip=10.4.2.1', { A: '10.4.2.1', AAAA: '2001:db8::1' }],
    ['myipv4=192.0.2.1&myipv4=192.0.2.2&myip=192.0.2.3', { A: '192.0.2.1,192.0.2.2' }],
    ['myipv4=192.0.2.1&ip4=192.0.2.2', { A: '192.0.2.1,192.0.2.2' }],
    ['myipv4=nonsense&myip=192.0.2.3,192.0.2.4', { A: '192.0.2.3,192.0.2.4' }],
    ['myip=2001:db8::1,2001:DB8:0::1', { AAAA: '2001:db8::1' }],
    ['myip=192.0.2.1,::ffff:192.0.2.1', { A: '192.0.2.1' }],
    ['myipv4=preserve,192.0.2.1', { A: '192.0.2.1' }],
    ['myip=192.0.2.1&myip=', { A: '192.0.2.1' }],
    ['myip=&myip=', { A: CALLER }],
    ['myip=auto,192.0.2.1', { A: `${CALLER},192.0.2.1` }],
    // A length, or a prefix, moves one address.
    ['myip=192.0.2.1/24,192.0.2.2', 'address-invalid'],
    ['myip=192.0.2.1/24,192.0.2.1', { A: '192.0.2.1' }],
    ['myip=192.0.2.1/32,192.0.2.2/32', { A: '192.0.2.1,192.0.2.2' }],
    ['myip=192.0.2.1/24,2001:db8::1/64', { A: '192.0.2.1', AAAA: '2001:db8::1' }],
    ['myipv6=2001:db8::1/64,2001:db8::2/64', 'address-invalid'],
    ['myipv6=2001:db8::1/128,2001:db8::2', { AAAA: '2001:db8::1,2001:db8::2' }],
    ['myipv6=2001:db8::1,2001:db8::2&ipv6prefix=2001:db8:1::/64', 'address-invalid'],
    ['myip=2001:db8:1::/64,2001:db8::1,2001:db8::2', 'address-invalid'],
    ['myip=10.1.0.0/16,192.0.2.1', 'address-invalid'],
    ['myip=10.1.0.0/16&myipv4=192.0.2.1', { A: '192.0.2.1' }],
    ['myip=192.0.2.1&myipv4=10.1.0.0/16', { prefix4: '10.1.0.0/16' }],
    ['myip=10.1.0.0/16,10.2.0.0/16', 'address-invalid'],
    ['ipv6prefix=2001:db8:1::/64&ipv6prefix=2001:db8:2::/64', 'address-invalid'],
    ['ipv6prefix=2001:db8:1::/64&ip6lanprefix=2001:db8:1::/64', { prefix: '2001:db8:1::/64' }],
    ['ipv6prefix=2001:db8:1::/64&ip6lanprefix=2001:db8:2::/64', 'address-invalid'],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));

  it(`are ${MAX_ADDRESSES} at most, of each family`, () => {
    const all = [...v4(MAX_ADDRESSES), ...v6(MAX_ADDRESSES)];
    expect(wanted(`myip=${all}`)).toEqual({ A: String(v4(MAX_ADDRESSES)), AAAA: String(v6(MAX_ADDRESSES)) });
    expect(wanted(`myip=${v4(MAX_ADDRESSES + 1)}`)).toBe('address-invalid');
    expect(wanted(`myip=${v6(MAX_ADDRESSES)}&ip=2001:db8::ff`)).toBe('address-invalid');
    expect(wanted(`myip=${Array(100).fill('192.0.2.1')}`)).toEqual({ A: '192.0.2.1' });
    expect(wanted(`myip=${Array(101).fill('192.0.2.1')}`)).toBe('address-invalid');
  });

  it('are refused by protocols whose parameters have one', () => {
    const one = (text: string) => oneOfEachFamily(chooseAddresses(query(text), undefined, 'keep')).wanted;
    expect(textsOf(one('myip=192.0.2.1,2001:db8::1'))).toEqual({ A: '192.0.2.1', AAAA: '2001:db8::1' });
    expect(() => one('myip=192.0.2.1,192.0.2.2')).toThrow('one address');
    expect(() => one('myip=2001:db8::1&ip=2001:db8::2')).toThrow('one address');
  });

  it('mean the same in every place: with commas, repeated, under other names of the row, in any case', () => {
    const rows = { any: [...v4(9), ...v6(9)], A: v4(9), AAAA: v6(9) };
    const spell = (name: string) =>
      fc.constantFrom(name, name.toUpperCase(), `${name[0]!.toUpperCase()}${name.slice(1)}`);
    const requests = fc
      .constantFrom('any' as const, 'A' as const, 'AAAA' as const)
      .chain((row) =>
        fc.tuple(
          fc.constant(row),
          fc.array(
            fc.tuple(
              fc.constantFrom<string>(...PARAMETERS[row]).chain(spell),
              fc.subarray(rows[row], { minLength: 1 }),
            ),
            { minLength: 1, maxLength: 5 },
          ),
        ),
      );
    fc.assert(
      fc.property(requests, ([row, parts]) => {
        const sent = [...new Set(parts.flatMap(([, addresses]) => addresses))];
        const families = [sent.filter((text) => !text.includes(':')), sent.filter((text) => text.includes(':'))];
        const got = wanted(parts.map(([name, addresses]) => `${name}=${addresses}`).join('&'));
        const listed = wanted(`${PARAMETERS[row][0]}=${sent}`);
        if (families.some((list) => list.length > MAX_ADDRESSES)) {
          expect([got, listed]).toEqual(['address-invalid', 'address-invalid']);
          return;
        }
        const sorted = (texts: unknown) =>
          Object.entries(texts as object).map(([family, text]) => [family, String(text).split(',').sort()]);
        expect(sorted(got)).toEqual(sorted(listed));
        expect(
          sorted(got)
            .flatMap(([, texts]) => texts)
            .sort(),
        ).toEqual([...sent].sort());
      }),
    );
  });
});

describe('the address of the caller', () => {
  it.each([
    ['myipv6=preserve', CALLER, { A: CALLER }],
    ['myipv6=preserve', CALLER6, {}],
    ['myipv4=preserve', CALLER6, { AAAA: CALLER6 }],
    ['myipv4=preserve&myipv6=preserve', CALLER, {}],
    ['myipv6=preserve&myip=', CALLER, { A: CALLER }],
    ['myipv6=preserve&myipv4=', CALLER, {}],
    ['myipv6=preserve&myip=no', CALLER, {}],
    ['myipv6=no', CALLER, {}],
    ['myip=no', CALLER, {}],
    ['myip=preserve', CALLER, {}],
    ['myipv6=auto', CALLER, {}],
    ['myipv6=-', CALLER, { AAAA: null }],
    ['myip=&myipv6=-', CALLER, { A: CALLER, AAAA: null }],
    ['myipv6=preserve&ipv6prefix=2001:db8::/64', CALLER, { prefix: '2001:db8::/64', ownStays: true }],
    ['praefix=', CALLER, { A: CALLER }],
    ['praefix=nas', CALLER, { A: CALLER }],
  ])('%j from %s', (text, caller, expected) => expect(wanted(text, caller)).toEqual(expected));
});

describe('an address under an unknown name', () => {
  const VALUES = [
    '1.2.3.4',
    '2001:db8::1',
    '[2001:db8::1]',
    ' 1.2.3.4',
    '1.2.3.4/24',
    '::/0',
    '1.2.3.4,x',
    '2001:db8::/64',
  ];
  const UNKNOWN = [
    'addr',
    'newip',
    'wan',
    'myipv5',
    'ip_1',
    'xmx',
    'locations',
    'Addr',
    'ttl2',
    '1.2.3.4',
    '2001:db8::1',
  ];

  it.each(UNKNOWN)('%s is refused where no other is known', (name) => {
    for (const value of VALUES) {
      const stray = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
      for (const rest of ['', 'hostname=a&', 'myip=&', 'myipv6=preserve&', 'myip=no&', 'myipv6=-&']) {
        expect(wanted(`${rest}${stray}`), `${rest}${stray}`).toBe('address-invalid');
        expect(namesHostOrAddress(query(`${rest}${stray}`))).toBe(true);
      }
      expect(wanted(`myip=192.0.2.1&${stray}`)).toEqual({ A: '192.0.2.1' });
      expect(wanted(`ipv6prefix=2001:db8::/64&${stray}`)).toEqual({ prefix: '2001:db8::/64' });
      expect(wanted(`offline=YES&${stray}`)).toEqual({ A: null, AAAA: null });
    }
  });

  it.each(['mx', 'url', 'log', 'location', 'alias', 'backmx', 'system', 'wildcard', 'offline', '_ip6addr', '_', 'MX'])(
    '%s is ignored',
    (name) => {
      for (const value of VALUES) expect(wanted(`${name}=${value}`), value).toEqual({ A: CALLER });
    },
  );

  it.each([
    'addr=',
    'addr=1',
    'addr=v1.2',
    'addr=1.2.3',
    'ttl=60',
    'url2=http://1.2.3.4/',
    'v=1.2.3.4.5',
    'home.example.com',
  ])('%s is none', (text) => expect(wanted(text)).toEqual({ A: CALLER }));

  it('as a bare name is refused, too, and is not a host', () => {
    for (const text of ['1.2.3.4', '2001:db8::1', 'hostname=a&1.2.3.4']) expect(wanted(text)).toBe('address-invalid');
    expect(readHosts(query('1.2.3.4'))).toEqual([]);
  });
});

describe('a request to the root', () => {
  it.each([
    ...Object.entries(PARAMETERS).flatMap(([row, names]) =>
      row === 'credential' || row === 'user' ? [] : names.flatMap((name) => [`${name}=x`, `${name.toUpperCase()}=`]),
    ),
    'home.example.com',
    'myipv6:home.example.com=',
    'username=home.example.com',
    'addr=192.0.2.1',
  ])('is an update with %j', (text) => expect(namesHostOrAddress(query(text))).toBe(true));

  it.each([
    '',
    'v=3',
    'secret=x',
    'token=x&password=y',
    'username=alice',
    'x',
    'myip6x=1',
    '_x=192.0.2.1',
    'url=192.0.2.1',
  ])('is not with %j', (text) => expect(namesHostOrAddress(query(text))).toBe(false));
});

describe('interface identifiers', () => {
  const IID = '::1a2b:3c4d:5e6f:7890';

  it.each([...PARAMETERS.AAAA, ...PARAMETERS.any])('in %s are joined with the prefix of the request', (name) => {
    const joined = '2001:db8:abcd:ef00:1a2b:3c4d:5e6f:7890';
    for (const prefix of PARAMETERS.prefix) {
      const expected = { AAAA: joined, prefix: '2001:db8:abcd:ef00::/64' };
      expect(wanted(`${name}=${IID}&${prefix}=2001:db8:abcd:ef00::/64`)).toEqual(expected);
      expect(wanted(`${prefix}=2001:db8:abcd:ef00&${name}=${IID}/64`)).toEqual(expected);
    }
    expect(wanted(`${name}=${IID}`)).toBe('address-invalid');
    expect(wanted(`${name}=${IID}&myipv4=192.0.2.1`)).toEqual({ A: '192.0.2.1' });
  });

  it.each([
    ['ipv6=::10&ipv6prefix=2001:db8:0:12::/56', { AAAA: '2001:db8::10', prefix: '2001:db8::/56' }],
    ['ipv6=::1:0:0:0&ipv6prefix=2001:db8::/64', { AAAA: '2001:db8:0:0:1::', prefix: '2001:db8::/64' }],
    ['ipv6=::10,2001:db8::/64', { AAAA: '2001:db8::10', prefix: '2001:db8::/64' }],
    ['ipv6=::10,::11&ipv6prefix=2001:db8::/64', 'address-invalid'],
    // These are addresses of their own.
    ['ipv6=::1', { AAAA: '::1' }],
    ['ipv6=::', { AAAA: '::' }],
    ['ipv6=::1&ipv6prefix=2001:db8::/64', { AAAA: '::1', prefix: '2001:db8::/64' }],
    ['ipv6=::1:2:3:4:5', { AAAA: '::1:2:3:4:5' }],
    ['myip=::ffff:192.0.2.1', { A: '192.0.2.1' }],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));
});

describe('garbage of FRITZ!Boxes', () => {
  it.each([
    ['myipv4=<preserve>&myipv6=2001:db8::1', { AAAA: '2001:db8::1' }],
    ['myip=192.0.2.1&myipv6=2a00::/64&:8:a:5:8b61', { A: '192.0.2.1', prefix: '2a00::/64' }],
    ['myip=192.0.2.1&myipv6=2a00::/64%26:8:a:5:8b61', { A: '192.0.2.1' }],
    ['myip=192.0.2.1,2a00::/64%26:8:a:5:8b61', { A: '192.0.2.1' }],
    ['myip=192.0.2.1,&ip6lanprefix=', { A: '192.0.2.1' }],
    ['myip=,&ip6lanprefix=', {}],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));
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
    ['ipv6prefix=cafe', 'address-invalid'],
    ['ipv6prefix=-&myip=2001:db8::1', { AAAA: '2001:db8::1' }],
    ['ipv6prefix=-&myipv6=preserve', { A: CALLER }],
    ['myip=10.1.0.0/16', { prefix4: '10.1.0.0/16' }],
    ['myipv4=10.1.0.0/16', { prefix4: '10.1.0.0/16' }],
    ['myip=10.1.2.3/16', { A: '10.1.2.3' }],
    ['myip=10.1.0.0/32', { A: '10.1.0.0' }],
    ['myip=192.0.2.4/31', { prefix4: '192.0.2.4/31' }],
    ['myip=192.0.2.5/31', { A: '192.0.2.5' }],
    ['myip=10.0.0.0/8', { prefix4: '10.0.0.0/8' }],
    ['myip=10.0.0.0/7', 'address-invalid'],
    ['myip=0.0.0.0/0', 'address-invalid'],
    ['myip=10.0.0.1/0', { A: '10.0.0.1' }],
    ['myipv6=10.1.0.0/16', 'address-invalid'],
    ['myip=10.1.0.0/16,2001:db8::1', { AAAA: '2001:db8::1', prefix4: '10.1.0.0/16' }],
    ['myip=::ffff:10.1.0.0/16', { prefix4: '10.1.0.0/16' }],
  ])('%j', (text, expected) => expect(wanted(text)).toEqual(expected));

  it('auto is the /64 of the caller', () => {
    expect(wanted('ipv6prefix=auto', CALLER6)).toEqual({ prefix: '2001:db8:7::/64' });
  });
});

describe('deletions', () => {
  const deleted = (text: string) => chooseDeletions(query(text), parseIpAddress(CALLER)).wanted;

  it('concern both families, or those of the addresses that are named', () => {
    expect(deleted('hostname=a')).toEqual({ A: [], AAAA: [] });
    expect(deleted('myip=')).toEqual({ A: [], AAAA: [] });
    expect(deleted(`myip=${V4}`)).toEqual({ A: [] });
    expect(deleted(`myipv6=${V6}`)).toEqual({ AAAA: [] });
    expect(deleted(`myip=${V4},${V6}`)).toEqual({ A: [], AAAA: [] });
    expect(deleted('myip=auto')).toEqual({ A: [] });
    expect(deleted('myip=10.1.0.0/16')).toEqual({ A: [] });
    expect(deleted('ipv6prefix=2001:db8::/64')).toEqual({ AAAA: [] });
    expect(deleted('myipv6=preserve')).toEqual({ A: [] });
    expect(deleted('myipv4=preserve&myipv6=preserve')).toEqual({});
    expect(deleted('myip=no')).toEqual({ A: [], AAAA: [] });
  });

  it('what cannot be read deletes nothing', () => {
    expect(() => deleted('myip=x')).toThrow(AppError);
    expect(() => deleted('addr=192.0.2.1')).toThrow(AppError);
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
      const given = readParameters({ parameters, repeated: undefined });
      try {
        readHosts(given);
      } catch (error) {
        expect(error).toMatchObject({ code: 'name-invalid' });
      }
      for (const choose of [chooseAddresses, chooseDeletions]) {
        try {
          const { wanted: addresses, prefix, prefix4, ownStays } = choose(given, caller, empty as 'keep');
          for (const address of [...(addresses.A ?? []), ...(addresses.AAAA ?? [])])
            expect(parseIpAddress(address.text)).toEqual(address);
          if (prefix) expect(prefix.family).toBe(6);
          if (prefix4) expect([prefix4.family, addresses.A]).toEqual([4, undefined]);
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
    expect(own('myipv6:a.example.com,B.example.com.,=::2&myipv6:a.example.com=::3')).toEqual({
      'a.example.com': { myipv6: '::3' },
      'b.example.com': { myipv6: '::2' },
    });
    expect(own('myipv6:a=2001:db8::1&MYIPV6:A=2001:db8::2')).toEqual({ a: { myipv6: '2001:db8::1,2001:db8::2' } });
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

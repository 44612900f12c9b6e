// Who may do what by UPDATE: the policy of keys, and the zone's rules for addresses and TTLs.
import { describe, expect, it } from 'vitest';
import { parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { addressRdata, textRdata } from '../../dns/rrset.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import type { UpdatableZone } from '../zones/publisher.ts';
import { applyUpdate, type UpdateKey } from './dns-update.ts';

const apex = DomainName.parse('example.com');
const at = (label: string) => (label === '@' ? apex : DomainName.parse(label, apex));
const keyName = DomainName.parse('k1');

function addA(label: string, address = '192.0.2.1', ttl = 60): ZoneEdit {
  const type = address.includes(':') ? RRType.AAAA : RRType.A;
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type, ttl, rdatas: [addressRdata(type, address)] } };
}
function addTxt(label: string, ttl = 60): ZoneEdit {
  return { kind: 'add-to-rrset', rrset: { ownerName: at(label), type: RRType.TXT, ttl, rdatas: [textRdata('x')] } };
}
const removeName = (label: string): ZoneEdit => ({ kind: 'delete-name', ownerName: at(label) });
const removeA = (label: string): ZoneEdit => ({ kind: 'delete-rrset', ownerName: at(label), type: RRType.A });

/** What a zone does: it calls `refusal` for every edit. `there`: the types at every name. */
function target(there: readonly number[]): UpdatableZone {
  return {
    async applyUpdate({ edits }, { refusal }) {
      for (const edit of edits) {
        const types = 'rrset' in edit ? [edit.rrset.type] : edit.kind === 'delete-name' ? there : [edit.type];
        const why = refusal(edit, types);
        if (why !== undefined) return { kind: 'refused', why };
      }
      return { kind: 'applied' };
    },
  };
}

const prefix = (text: string) => parseIpPrefix(text)!;

const staticNames = new Set(['www', 'a.b', '*.pool'].map((label) => at(label).key));
const reserved = new Set([at('mail').key]);

async function outcome(
  key: Partial<UpdateKey>,
  edits: readonly ZoneEdit[],
  there: readonly number[] = [RRType.A],
): Promise<string> {
  const addresses = { allow: [prefix('127.0.0.53/32')], deny: [prefix('203.0.113.0/24')] };
  const result = await applyUpdate({
    zone: { apex, addresses, ttl: { min: 30, max: 3600 }, reserved, staticNames },
    target: target(there),
    key: { keyName, mayUpdate: true, ...key },
    prerequisites: [],
    edits,
    deadlineMs: performance.now() + 1000,
  });
  return result.kind === 'refused' ? result.why : result.kind;
}

describe('the names of a key', () => {
  const hosts = [at('home'), at('*.lab')];

  it.each<[string, ZoneEdit]>([
    ['a literal name', addA('home')],
    ['a literal name, another case', addA('HOME')],
    ['below a pattern, at any depth', addA('a.b.lab')],
    ["the pattern's own literal", addA('*.lab')],
    ['deleting a name', removeName('home')],
    ['RFC 8555 §8.4: TXT at the challenge of a literal name', addTxt('_acme-challenge.home')],
    ['a TXT at the name itself', addTxt('home')],
  ])('covered: %s', async (_, edit) => {
    expect(await outcome({ hosts }, [edit])).toBe('applied');
  });

  it.each<[string, ZoneEdit]>([
    ['another name', addA('work')],
    ['below a literal name', addA('a.home')],
    ["a pattern's parent", addA('lab')],
    ['the apex', addA('@')],
    ['deleting another name', removeName('work')],
    ['deleting an RRset of another name', removeA('work')],
    ['no TXT at the challenge', addA('_acme-challenge.home')],
    ['the challenge of another name', addTxt('_acme-challenge.work')],
    ['the challenge of a challenge', addTxt('_acme-challenge._acme-challenge.home')],
  ])('not covered: %s', async (_, edit) => {
    expect(await outcome({ hosts }, [edit])).toMatch(/^the key 'k1\.' may not change '/);
    // One refusal refuses the whole message, at whichever edit.
    expect(await outcome({ hosts }, [addA('home'), edit])).toMatch(/^the key 'k1\.' may not change '/);
  });

  it('a name without data may be deleted where it is covered only', async () => {
    expect(await outcome({ hosts }, [removeName('home')], [])).toBe('applied');
    expect(await outcome({ hosts }, [removeName('work')], [])).toMatch(/may not change/);
  });

  it('an empty list covers nothing, no list everything', async () => {
    expect(await outcome({ hosts: [] }, [addA('home')])).toMatch(/may not change/);
    expect(await outcome({}, [addA('@'), addTxt('any.thing')])).toBe('applied');
  });
});

describe("certificates of the zone's own names", () => {
  const target_ = DomainName.parse('elsewhere.example');
  const rr = (label: string, type: number, kind: 'CNAME' | 'NS' | 'DNAME'): ZoneEdit => ({
    kind: 'add-to-rrset',
    rrset: { ownerName: at(label), type, ttl: 60, rdatas: [{ kind, target: target_ }] },
  });
  /** For each name: edits that put a record of the client in the place of its challenge. */
  const ways = (subject: string): [string, ZoneEdit][] => {
    const below = (label: string) => (subject === '@' ? label : `${label}.${subject}`);
    const challenge = below('_acme-challenge');
    return [
      ['TXT', addTxt(challenge)],
      ['TXT removed', { kind: 'delete-rrset', ownerName: at(challenge), type: RRType.TXT }],
      ['all removed', removeName(challenge)],
      ['an alias', rr(challenge, RRType.CNAME, 'CNAME')],
      ['a delegation', rr(challenge, RRType.NS, 'NS')],
      ['a wildcard', addTxt(below('*'))],
      ['an alias of the wildcard', rr(below('*'), RRType.CNAME, 'CNAME')],
    ];
  };
  const above = (subject: string): [string, ZoneEdit][] => [
    ['a DNAME', rr(subject, RRType.DNAME, 'DNAME')],
    ['a delegation of the name', rr(subject, RRType.NS, 'NS')],
  ];
  const cases = ['@', 'www', 'a.b'].flatMap((subject) =>
    [...ways(subject), ...(subject === '@' ? [] : above(subject))].map(([way, edit]) => [subject, way, edit] as const),
  );

  it.each(cases)('%s by %s: a pattern is not enough, the name or its challenge is', async (subject, _way, edit) => {
    expect(await outcome({ hosts: [at('*')] }, [edit])).toMatch(/by a pattern: a certificate/);
    expect(await outcome({ hosts: [at('*'), at('home')] }, [edit])).toMatch(/by a pattern: a certificate/);
    expect(await outcome({ hosts: [at('*'), at(subject)] }, [edit])).toBe('applied');
    const challenge = subject === '@' ? '_acme-challenge' : `_acme-challenge.${subject}`;
    expect(await outcome({ hosts: [at('*'), at(challenge)] }, [edit])).toBe('applied');
    expect(await outcome({}, [edit])).toBe('applied');
  });

  it.each<[string, ZoneEdit]>([
    ['the challenge of a host', addTxt('_acme-challenge.home')],
    ['the challenge of a name below a static one', addTxt('_acme-challenge.x.www')],
    ['addresses of the wildcard', addA('*')],
    ['addresses of a static name', addA('www')],
    ['an alias of a host', rr('home', RRType.CNAME, 'CNAME')],
    ['the challenge below a static wildcard', addTxt('_acme-challenge.pool')],
  ])('a pattern goes on to cover %s', async (_, edit) => {
    expect(await outcome({ hosts: [at('*')] }, [edit])).toBe('applied');
  });

  it('no limited key writes the challenge of a reserved name', async () => {
    for (const hosts of [[at('*')], [at('mail')], [at('_acme-challenge.mail')]]) {
      expect(await outcome({ hosts }, [addTxt('_acme-challenge.mail')])).toMatch(/'mail\.example\.com\.' is reserved/);
    }
    expect(await outcome({}, [addTxt('_acme-challenge.mail')])).toBe('applied');
  });
});

describe('the types of a key', () => {
  const types = new Set<number>([RRType.A]);

  it('are what it may add and delete', async () => {
    expect(await outcome({ types }, [addA('home'), removeA('home')])).toBe('applied');
    expect(await outcome({ types }, [addTxt('home')])).toBe(
      "the key 'k1.' may not change TXT records ('home.example.com.')",
    );
    expect(await outcome({ types }, [addA('home', '2001:db8::1')])).toMatch(/AAAA/);
  });

  it('let it delete a name that has no others', async () => {
    expect(await outcome({ types }, [removeName('home')], [RRType.A])).toBe('applied');
    expect(await outcome({ types }, [removeName('home')], [RRType.A, RRType.TXT])).toMatch(/TXT/);
  });
});

it('a key that may not update is refused before the zone is called', async () => {
  expect(await outcome({ mayUpdate: false }, [])).toBe("the key 'k1.' may not change the zone 'example.com.'");
});

describe("the zone's rules", () => {
  it.each<[string, ZoneEdit, RegExp]>([
    ['a loopback address', addA('home', '127.0.0.1'), /loopback/],
    ['a link-local address', addA('home', 'fe80::1'), /link-local/],
    ['an IPv4-mapped loopback address', addA('home', '::ffff:127.0.0.1'), /loopback/],
    ["an address that the zone's rules deny", addA('home', '203.0.113.7'), /rules/],
    ['a TTL below the least', addA('home', '192.0.2.1', 29), /not between 30 and 3600/],
    ['a TTL above the most', addA('home', '192.0.2.1', 3601), /not between 30 and 3600/],
    ['RFC 2181 §8: a TTL of more than 31 bits', addTxt('home', 2 ** 31), /too large/],
  ])('refuse %s', async (_, edit, words) => {
    expect(await outcome({}, [addA('fine'), edit])).toMatch(words);
  });

  it.each<[string, ZoneEdit]>([
    ['an address that the zone allows', addA('home', '127.0.0.53')],
    ['TTLs of other types as they are', addTxt('home', 0)],
    ['the deletion of an address that may not be published', removeA('home')],
  ])('let pass %s', async (_, edit) => {
    expect(await outcome({}, [edit])).toBe('applied');
  });
});

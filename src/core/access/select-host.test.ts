/** The host of a request with a single label, with a user name, or without any name. */
import { describe, expect, it } from 'vitest';
import { parseHostName } from '../../dns/host-name.ts';
import { type Zone, ZoneTable } from '../zones/zone.ts';
import { MASTER, type Principal } from './principal.ts';
import { selectByText, selectByUser, selectOnlyHost } from './select-host.ts';
import type { HostToken } from './token.ts';

const zoneTable = (...apexes: string[]) => new ZoneTable(apexes.map((apex) => ({ apex: parseHostName(apex) }) as Zone));
const zones = zoneTable('dyn.example.com', 'example.net');

const by = (...hosts: string[]): Principal => ({
  kind: 'token',
  token: { hosts: hosts.map(parseHostName) } as unknown as HostToken,
});

describe('a single label', () => {
  const meant = (principal: Principal, text: string, table = zones) => selectByText(principal, table, text)?.toString();

  it('is the only literal host of the scope that begins with it, case-insensitively', () => {
    const principal = by('home.dyn.example.com', 'nas.example.net', '*.lab.example.net');
    expect(meant(principal, 'Home')).toBe('home.dyn.example.com.');
    expect(meant(principal, 'nas')).toBe('nas.example.net.');
  });

  it('does not match a longer first label', () => {
    expect(meant(by('homes.dyn.example.com', 'x.example.net'), 'home')).toBeUndefined();
  });

  it('is below the zone where only one zone is in scope', () => {
    expect(meant(by('home.dyn.example.com', '*.lab.dyn.example.com'), 'tv')).toBe('tv.dyn.example.com.');
    expect(meant(MASTER, 'tv', zoneTable('example.net'))).toBe('tv.example.net.');
    expect(meant(by('*.example.net'), 'tv')).toBe('tv.example.net.');
  });

  it('is undefined where several are possible', () => {
    expect(meant(MASTER, 'tv')).toBeUndefined();
    expect(meant(by('tv.dyn.example.com', 'tv.example.net'), 'tv')).toBeUndefined();
    expect(meant(by('*.nowhere.example'), 'tv')).toBeUndefined();
  });

  it('a whole name is itself, in scope or not', () => {
    expect(meant(by('home.dyn.example.com'), 'other.example.org')).toBe('other.example.org.');
  });
});

describe('a user name', () => {
  const meant = (principal: Principal, user: string) => selectByUser(principal, zones, user)?.toString();

  it('is the host if it is a whole name in scope', () => {
    expect(meant(by('*.dyn.example.com'), 'tv.Dyn.example.com')).toBe('tv.Dyn.example.com.');
    expect(meant(MASTER, 'home.example.net')).toBe('home.example.net.');
  });

  it.each(['none', '', 'account1', 'me@dyn.example.com', 'home.example.org', 'home.example.net', 'a..b'])(
    '%j is not a host',
    (user) => {
      expect(meant(by('*.dyn.example.com'), user)).toBeUndefined();
    },
  );

  it('of the master secret must lie in a zone', () => expect(meant(MASTER, 'home.example.org')).toBeUndefined());
});

it('without a name, the host is the only literal host of the token', () => {
  expect(selectOnlyHost(by('home.dyn.example.com', '*.home.dyn.example.com'))?.toString()).toBe(
    'home.dyn.example.com.',
  );
  expect(selectOnlyHost(by('a.example.net', 'b.example.net'))).toBeUndefined();
  expect(selectOnlyHost(by('*.example.net'))).toBeUndefined();
  expect(selectOnlyHost(MASTER)).toBeUndefined();
});

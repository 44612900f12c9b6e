import { describe, expect, it } from 'vitest';
import { type IpAddress, parseIpAddress, parseIpPrefix } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import type { HostToken } from '../access/token.ts';
import { defaultHostSettings } from '../hosts/host.ts';
import { checkToken, type TokenFacts, type TokenQuestion } from './token-check.ts';

const name = (text: string) => DomainName.parse(text);
const address = (text: string) => parseIpAddress(text) as IpAddress;
const HOME = name('home.dyn.example.com');
const TOKEN: HostToken = {
  id: '1',
  name: 'router',
  sha256: '',
  hosts: [HOME],
  types: [RRType.A, RRType.AAAA],
  addresses: 'any',
  createdMs: 0,
};
const ZONE = { apex: name('dyn.example.com'), addresses: { allow: [], deny: [parseIpPrefix('10.0.0.0/8')!] } };
const NOW = Date.parse('2026-11-23T10:00:00Z');

function failed(question: Partial<TokenQuestion> = {}, facts: Partial<TokenFacts> = {}): readonly string[] {
  const reasons = checkToken(
    { host: HOME, type: RRType.A, address: undefined, ...question },
    { token: TOKEN, settings: undefined, zone: ZONE, nowMs: NOW, ...facts },
  );
  for (const { text } of reasons) expect(text).toMatch(/^[A-Z'].*\.$/s);
  return reasons.filter(({ passed }) => !passed).map(({ rule }) => rule);
}

describe('checkToken', () => {
  it('passes what an update would', () => {
    expect(failed()).toEqual([]);
    expect(failed({ address: address('192.0.2.1') })).toEqual([]);
  });

  it('names each rule that fails', () => {
    expect(failed({ host: name('nas.dyn.example.com') })).toEqual(['name']);
    expect(failed({ type: RRType.TXT })).toEqual(['type']);
    expect(failed({}, { token: { ...TOKEN, expires: '2026-01-01' } })).toEqual(['state']);
    expect(failed({}, { zone: undefined })).toEqual(['zone']);
    expect(failed({}, { settings: { ...defaultHostSettings(HOME), enabled: false } })).toEqual(['host']);
    expect(failed({ address: address('10.0.0.1') })).toEqual(['address']);
    const narrow = { ...TOKEN, addresses: [parseIpPrefix('192.0.2.0/24')!] };
    expect(failed({ address: address('198.51.100.1') }, { token: narrow })).toEqual(['address']);
    expect(failed({ address: address('192.0.2.1') }, { token: narrow })).toEqual([]);
  });

  it('lets a member change only what the member may change', () => {
    const owner = { id: 'u1', name: 'alice', role: 'member', isDisabled: false, changesPerMinute: 0 } as const;
    const token = { ...TOKEN, owner };
    expect(failed({}, { token })).toEqual(['owner']);
    const settings = { ...defaultHostSettings(HOME), ownerId: 'u1' };
    expect(failed({}, { token, settings })).toEqual([]);
    expect(failed({}, { token: { ...token, owner: { ...owner, isDisabled: true } }, settings })).toEqual(['owner']);
  });
});

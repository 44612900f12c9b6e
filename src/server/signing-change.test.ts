import { expect, it } from 'vitest';
import type { Config } from '../config/config.ts';
import { parseConfig } from '../config/load.ts';
import { refuseSigningChanges } from './signing-change.ts';

const parse = (zones: string): Config => parseConfig(`store: sqlite:x.db\nzones: [${zones}]\n`, '/x/x.yml', {}).config;
const zone = (dnssec: string, name = 'a.example') => `{name: ${name}, ns: [ns1.example.com]${dnssec}}`;
const reload =
  (from: string, to: string, algorithms: readonly number[] = [13]) =>
  () =>
    refuseSigningChanges(parse(to), parse(from), () => algorithms);

const SIGNED = zone(', dnssec: true');
const OTHER = zone('', 'b.example');

it.each([
  ['becomes signed', zone(''), SIGNED],
  ['stays as it is, in another form', SIGNED, zone(', dnssec: {nsec3: true, algorithm: ecdsap256sha256}')],
  ['gets another validity', SIGNED, zone(', dnssec: {validity_days: 60}')],
  ['is no longer in the file', `${SIGNED}, ${OTHER}`, OTHER],
  ['moves to another primary', SIGNED, '{name: a.example, nameserver: 192.0.2.1, tsig_key: tPyvZA==}'],
])('a reload is permitted when a zone %s', (_, from, to) => {
  expect(reload(from, to)).not.toThrow();
});

it.each([
  ['without the option', zone(''), /^The zone 'a\.example\.' is signed, and its option dnssec cannot be removed/],
  ['with dnssec: false', zone(', dnssec: false'), /cannot be removed or set to false/],
  ['with another algorithm', zone(', dnssec: {algorithm: ed25519}'), /its dnssec\.algorithm cannot be changed/],
  ['with another chain', zone(', dnssec: {nsec3: false}'), /its dnssec\.nsec3 cannot be changed.* back to true\.$/],
])('a reload is refused when a signed zone is there %s', (_, to, message) => {
  expect(reload(SIGNED, to)).toThrow(message);
});

it('all zones are named, one in a line', () => {
  const two = (dnssec: string) => `${zone(dnssec)}, ${zone(dnssec, 'b.example')}`;
  const expected = /^The zone 'a\.example\.'.*\nThe zone 'b\.example\.'.* back to false\.$/;
  expect(reload(two(', dnssec: {nsec3: false}'), two(', dnssec: true'))).toThrow(expected);
});

it('a reload is permitted when a zone that left DNSSEC loses the option', () => {
  expect(reload(SIGNED, zone(''), [])).not.toThrow();
});

it('a reload is permitted when the algorithm is the one that a rollover changed the zone to', () => {
  const to = zone(', dnssec: {algorithm: ed25519}');
  expect(reload(SIGNED, to, [15])).not.toThrow();
  expect(reload(SIGNED, to, [13, 15])).toThrow(/roll --algorithm NAME' to change it/);
});

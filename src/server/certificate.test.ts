// How long the authority has to wait for secondaries. The rest is in test/e2e/own-certificate.test.ts.
import { expect, test } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { DomainName } from '../dns/name.ts';
import { propagationMs } from './certificate.ts';

const { config } = parseConfig(
  `secret: abcdefgh
store: sqlite:x.db
zones:
  - {name: alone.example, nameserver: embedded, ns: [ns1.example.com]}
  - {name: listed.example, nameserver: embedded, ns: [ns1.example.com], secondaries: [192.0.2.53]}
  - {name: named.example, nameserver: embedded, ns: [ns1.example.com, ns2.example.net]}
  - {name: remote.example, nameserver: 192.0.2.1, tsig_key: tPyvZA==}
`,
  'x.yml',
  {},
);
const zones = (...apexes: string[]) => apexes.map((apex) => ({ apex: DomainName.parse(apex) }));

test.each([
  [['alone.example'], 0],
  [['listed.example'], 30_000],
  [['named.example'], 30_000],
  [['remote.example'], 30_000],
  [['alone.example', 'remote.example'], 30_000],
  [['gone.example'], 30_000],
  [[], 0],
])('%j: %d ms', (apexes, delayMs) => {
  expect(propagationMs(config, {}, zones(...apexes))).toBe(delayMs);
  expect(propagationMs(config, { propagationSeconds: 5 }, zones(...apexes))).toBe(5_000);
});

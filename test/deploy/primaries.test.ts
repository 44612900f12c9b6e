/**
 * deploy/bind, deploy/knot and deploy/powerdns, installed and verified by the commands of docs/operating: the set-up of each
 * page, its verification with the tools of the server, and the secrets that it creates for dyndns.
 */
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  DEPLOYED_ZONE,
  type DeployedPrimary,
  deployedTsigSecret,
  startDeployedPrimary,
} from '../support/deployed-primary.ts';
import { dig } from '../support/dig.ts';
import { nsupdate } from '../support/nsupdate.ts';
import type { PrimaryKind } from '../support/primary-server.ts';
import {
  BIND_PROGRAMS,
  describeWith,
  KNOT_PROGRAMS,
  POWERDNS_PROGRAMS,
  type RequiredProgram,
} from '../support/require-server.ts';

const OPENSSL = { command: 'openssl', debianPackage: 'openssl' };

const PRIMARIES: readonly [PrimaryKind, readonly RequiredProgram[]][] = [
  ['bind', [...BIND_PROGRAMS, { command: 'named-checkconf', debianPackage: 'bind9-utils' }, OPENSSL]],
  ['knot', [...KNOT_PROGRAMS, { command: 'kdig', debianPackage: 'knot-dnsutils' }, OPENSSL]],
  ['powerdns', [...POWERDNS_PROGRAMS, OPENSSL]],
];

for (const [kind, programs] of PRIMARIES) {
  describeWith(programs, `the ${kind} files and commands of the documents`, () => {
    let deployed: DeployedPrimary;

    beforeAll(async () => {
      deployed = await startDeployedPrimary(kind);
      await deployed.run('secrets');
    }, 30_000);
    afterAll(() => deployed?.server.stop());

    const key = () => ({ name: DEPLOYED_ZONE, algorithm: 'hmac-sha512', secret: deployedTsigSecret(deployed) });

    it('serve the zone with the SOA values that the zone file explains', async () => {
      const [soa] = (await dig(deployed.server, [DEPLOYED_ZONE, 'SOA'])).short;
      expect(soa).toMatch(/^ns1\.dyndns\.example\.com\. hostmaster\.example\.com\. \d+ 3600 1000 3600000 300$/);
      expect((await dig(deployed.server, [`ns1.${DEPLOYED_ZONE}`, 'AAAA'])).short).toEqual(['2001:db8::10']);
    });

    it('verify with the tools of the server that the key can change and transfer the zone', async () => {
      const printed = await deployed.run('prove');
      expect(printed).toMatch(/proof\.dyndns\.example\.com\.?\s+60\s+(IN\s+)?TXT\s+"it works"/);
      expect((await dig(deployed.server, [`proof.${DEPLOYED_ZONE}`, 'TXT'])).rcode).toBe('NXDOMAIN');
    });

    it('give dyndns a master secret of letters and digits and the key of the zone, readable by root only', async () => {
      const secretFile = deployed.installation.path('/etc/dyndns/secret');
      expect(readFileSync(secretFile, 'utf8')).toMatch(/^[A-Za-z0-9]{32}\n$/);
      for (const file of [secretFile, deployed.installation.path('/etc/dyndns/tsig_key')]) {
        expect(statSync(file).mode & 0o777).toBe(0o600);
      }
      const { code, stderr } = await nsupdate(deployed.server, key(), DEPLOYED_ZONE, [
        `update add home.${DEPLOYED_ZONE} 60 A 192.0.2.1`,
      ]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect((await dig(deployed.server, [`home.${DEPLOYED_ZONE}`, 'A'])).short).toEqual(['192.0.2.1']);
    });

    it('refuse updates and transfers without the key', async () => {
      const unsigned = await nsupdate(deployed.server, undefined, DEPLOYED_ZONE, [
        `update add intruder.${DEPLOYED_ZONE} 60 A 192.0.2.66`,
      ]);
      expect(unsigned.code).toBe(2);
      expect((await dig(deployed.server, [DEPLOYED_ZONE, 'AXFR'])).answers).toEqual([]);
    });
  });
}

/**
 * The file of `dyndns zone export --signed`: BIND, ldns and Knot accept it with its keys, signatures and chain, the HTTP API sends the same,
 * and an import of it leaves them out and says how many.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { API_ZONE, type ApiLab, startApiLab } from '../support/api-lab.ts';
import { commandsOf } from '../support/commands.ts';
import { dig } from '../support/dig.ts';
import { runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const RECORDS = `www IN A 192.0.2.1
*.w IN TXT wild
a.b.ent IN AAAA 2001:db8::1
sub IN NS ns.sub
ns.sub IN A 192.0.2.2
alias IN CNAME www
`;
const OF_SIGNER = /\sIN (?:RRSIG|NSEC|NSEC3|NSEC3PARAM|DNSKEY|CDS|CDNSKEY) /g;
const VALIDATORS: readonly (readonly [string, ...string[]])[] = [
  ['named-checkzone', '-i', 'local', API_ZONE],
  ['dnssec-verify', '-z', '-o', API_ZONE],
  ['ldns-verify-zone'],
  ['kzonecheck', '-o', API_ZONE, '-d', 'on'],
];

let lab: ApiLab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

describeWith(
  [
    { command: 'named-checkzone', debianPackage: 'bind9-utils' },
    { command: 'dnssec-verify', debianPackage: 'bind9-utils' },
    { command: 'ldns-verify-zone', debianPackage: 'ldnsutils' },
    { command: 'kzonecheck', debianPackage: 'knot-dnssecutils' },
    { command: 'dig', debianPackage: 'bind9-dnsutils' },
  ],
  'a signed export',
  () => {
    it.each([true, false])('with NSEC3 %s is accepted by validators, and its import changes nothing', async (nsec3) => {
      lab = await startApiLab({ records: RECORDS, zoneOptions: { dnssec: { nsec3 } } });
      const { server } = lab;
      const { run } = commandsOf(server.dyndns.configFile);
      const file = join(server.dyndns.directory, 'signed.zone');
      await run('zone', 'export', API_ZONE, file, '--signed');
      for (const [command, ...args] of VALIDATORS) {
        const { code, stdout, stderr } = await runProgram(command, [...args, file]);
        expect(code, `${command}: ${stdout}${stderr}`).toBe(0);
      }

      const signed = await run('zone', 'export', API_ZONE, '--signed');
      const sent = await lab.send('exportZone', { zone: API_ZONE, signed: true }, await lab.user('boss', 'admin'));
      expect([sent.status, sent.body]).toEqual([200, signed]);
      const plain = await run('zone', 'export', API_ZONE);
      expect(plain).not.toMatch(OF_SIGNER);

      const serial = (await dig(server, [API_ZONE, 'SOA'])).short;
      const report = await run('zone', 'import', API_ZONE, file);
      const count = signed.match(OF_SIGNER)!.length;
      expect(report).toMatch(/^RRsets: 0 added, 0 changed, 0 removed, \d+ unchanged, (\d+) left out/);
      const skipped = Number(/(\d+) left out/.exec(report)![1]);
      const dnssec = await lab.operate('importZone', { zone: API_ZONE, dry_run: true }, plain);
      // Signatures that follow each other are one RRset: those of SOA and NS.
      expect(skipped - dnssec.skippedCount).toBe(count - 1);
      expect(report).toContain('DNSSEC records are not imported');
      expect((await dig(server, [API_ZONE, 'SOA'])).short).toEqual(serial);
      expect(await run('zone', 'export', API_ZONE, '--signed')).toBe(signed);
    });

    it('of a zone that is not signed is refused', async () => {
      lab = await startApiLab();
      const { fail } = commandsOf(lab.server.dyndns.configFile);
      const [code, stderr] = await fail('zone', 'export', API_ZONE, '--signed');
      expect([code, stderr]).toEqual([1, expect.stringContaining(`The zone '${API_ZONE}.' is not signed.`)]);
    });

    it('that is damaged is refused by each validator', async () => {
      lab = await startApiLab({ records: RECORDS, zoneOptions: { dnssec: true } });
      const { run } = commandsOf(lab.server.dyndns.configFile);
      const text = await run('zone', 'export', API_ZONE, '--signed');
      const file = join(lab.server.dyndns.directory, 'damaged.zone');
      writeFileSync(file, text.replace('192.0.2.1', '192.0.2.77'));
      for (const [command, ...args] of VALIDATORS.slice(1)) {
        expect((await runProgram(command, [...args, file])).code, command).not.toBe(0);
      }
    });
  },
);

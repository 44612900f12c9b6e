/**
 * Runs docs/operating/migrate-from-bind.md, backup.md and upgrade.md: import of BIND's zone, verification, the way back; backup,
 * restore, serial. Only paths and ports are changed; the test performs the steps of systemd.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const MIGRATE = 'docs/operating/migrate-from-bind.md';
const BACKUP = 'docs/operating/backup.md';
const UPGRADE = 'docs/operating/upgrade.md';
const ZONE = 'dyndns.example.com';
const SERIAL_OF_BIND = 2_026_112_300;
/** A zone file as after rndc freeze, for the configuration of the page. */
const FROZEN = `$ORIGIN example.com.
$TTL 3600	; 1 hour
dyndns			IN SOA	ns1.dyndns.example.com. hostmaster.example.com. (
				${SERIAL_OF_BIND} ; serial
				3600       ; refresh (1 hour)
				600        ; retry (10 minutes)
				1209600    ; expire (2 weeks)
				60         ; minimum (1 minute)
				)
			NS	ns1.dyndns.example.com.
$ORIGIN dyndns.example.com.
$TTL 60	; 1 minute
cam			AAAA	2001:db8::2
home			A	203.0.113.7
$TTL 3600	; 1 hour
ns1			A	192.0.2.10
			AAAA	2001:db8::10
$TTL 300	; 5 minutes
_acme-challenge.home	TXT	"text of a challenge"
`;

describeWith(
  [
    { command: 'named-checkzone', debianPackage: 'bind9-utils' },
    { command: 'dig', debianPackage: 'bind9-dnsutils' },
  ],
  'the pages of migration and backup',
  () => {
    const directory = freshDirectory('migrate-page');
    let installation: Installation;
    let server: RunningProcess;
    let address: { host: string; port: number };

    async function run(page: string, word: string): Promise<string> {
      const { code, stdout, stderr } = await installation.runBlocks(page, word);
      if (code !== 0) throw new Error(`"${word}" of ${page}: exit code ${code}\n${stdout}${stderr}`);
      return stdout;
    }

    async function start(): Promise<void> {
      server = await startProcess({
        command: process.execPath,
        args: [MAIN, '--config', installation.path('/etc/dyndns.yml'), 'serve'],
        cwd: directory,
        env: { ...process.env, DYNDNS_DNS_LISTEN: `127.0.0.1:${address.port}` },
        ready: (output) => output.includes('listening on unix:'),
      });
    }

    const command = (...args: readonly string[]) =>
      runDyndns(['--config', installation.path('/etc/dyndns.yml'), ...args], { cwd: directory });

    beforeAll(async () => {
      address = { host: '127.0.0.1', port: await freePort() };
      installation = makeInstallation({ directory, dnsPort: address.port });
      for (const path of ['/var/lib/dyndns', '/var/backups', '/run/dyndns', '/run/credentials/dyndns.service'])
        mkdirSync(installation.path(path), { recursive: true });
      writeFileSync(installation.path('/run/credentials/dyndns.service/secret'), 'masterSecretOfTests\n', {
        mode: 0o600,
      });
      const text = readFileSync(`${REPOSITORY}/${MIGRATE}`, 'utf8');
      const [, block] = /^```yaml migrate\n([\s\S]*?)^```$/m.exec(text)!;
      installation.write('/etc/dyndns.yml', block!);
      const zoneFile = installation.path(`/var/lib/bind/${ZONE}.zone`);
      mkdirSync(dirname(zoneFile), { recursive: true });
      writeFileSync(zoneFile, FROZEN);
      writeFileSync(`${zoneFile}.jnl`, 'the old journal');
      await start();
    });
    afterAll(async () => {
      await server?.stop();
      removeNow(directory);
    });

    it('the import takes the names of BIND and its serial, and prints what the page shows', async () => {
      const printed = await run(MIGRATE, 'import');
      const [first, , second, last] = printed.split('\n');
      expect(readFileSync(`${REPOSITORY}/${MIGRATE}`, 'utf8')).toContain(`\`\`\`\n${first}\n\`\`\`\n`);
      expect(second).toBe('RRsets: 3 added, 0 changed, 0 removed, 3 unchanged, 0 left out.');
      expect(last).toBe(`The serial is ${SERIAL_OF_BIND + 1}.`);
      expect((await dig(address, [`home.${ZONE}`, 'A'])).short).toEqual(['203.0.113.7']);
      expect((await dig(address, [`cam.${ZONE}`, 'AAAA'])).short).toEqual(['2001:db8::2']);
    });

    it("the verification: named-checkzone accepts the export, which equals BIND's zone except the serial", async () => {
      const printed = await run(MIGRATE, 'proof');
      expect(printed).toContain(`loaded serial ${SERIAL_OF_BIND + 1}\nOK\n${SERIAL_OF_BIND + 1}\n`);
      // The SOA is from the configuration, so its TTL can differ.
      const compile = async (file: string) => {
        const text = await runOrThrow('named-compilezone', ['-q', '-o', '-', ZONE, file]);
        return text.replace(/\s\d+ IN SOA\s+/, ' SOA ').replace(/ 20261123\d\d /, ' SERIAL ');
      };
      const ours = await compile(installation.path('/var/lib/dyndns/export.zone'));
      expect(ours).toBe(await compile(installation.path(`/var/lib/bind/${ZONE}.zone`)));
    });

    it('the way back: the zone file for BIND has all changes made meanwhile, and there is no old journal', async () => {
      await command('update', `home.${ZONE}`, '203.0.113.8');
      await run(MIGRATE, 'back');
      const zoneFile = installation.path(`/var/lib/bind/${ZONE}.zone`);
      expect(readFileSync(zoneFile, 'utf8')).toMatch(/^home .* 203\.0\.113\.8$/m);
      expect(existsSync(`${zoneFile}.jnl`)).toBe(false);
    });

    it('upgrade: the backup, the check of the configuration, and the verification', async () => {
      expect(await run(UPGRADE, 'backup')).toContain('/var/lib/dyndns/zones.db -> ');
      expect(await run(UPGRADE, 'config')).toBe('');
      const printed = await run(UPGRADE, 'verify');
      expect(printed).toMatch(/^dyndns \S+ /);
      expect(printed).toContain('INFO: The update check passed: ');
    });

    it('backup, restore, serial', async () => {
      expect(await run(BACKUP, 'backup')).toContain('/var/lib/dyndns/zones.db -> ');
      await command('update', `home.${ZONE}`, '203.0.113.9');
      await server.stop();
      await run(BACKUP, 'restore');
      await start();
      expect((await dig(address, [`home.${ZONE}`, 'A'])).short).toEqual(['203.0.113.8']);
      expect(await run(BACKUP, 'serial')).toContain(`${ZONE}.  serial 2026322300  `);
    });
  },
);

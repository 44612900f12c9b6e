/**
 * `dyndns doctor` on the chain of trust: our server signs the zone, real BINDs are its signed parent and its second nameserver. Each
 * link is broken once.
 */
import { chmodSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Finding } from '../../src/core/doctor/ports.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, runOrThrow, startProcess } from '../support/process.ts';
import { startRelay } from '../support/relay.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type BindZone, type SigningTimes, serveZones, signZone } from '../support/signed-parent.ts';

const ZONE = 'dyn.example.com';
const FIRST = '127.0.0.2';
const SECOND = '127.0.0.3';
const PAST: SigningTimes = { start: '20200101000000', end: '20200201000000' };
const SOA = '$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 1209600 300\n';
/** What dyndns has, as far as doctor compares it. */
const CONTENT = `${SOA}@ NS ns1\n@ NS ns2\nns1 A ${FIRST}\nns2 A ${SECOND}\n`;
const DELEGATION = `dyn NS ns1.dyn\ndyn NS ns2.dyn\nns1.dyn A ${FIRST}\nns2.dyn A ${SECOND}\n`;
const OTHER_DS = `dyn DS 4711 13 2 ${'ab'.repeat(32)}\n`;

describeWith(
  [...BIND_PROGRAMS, { command: 'dnssec-signzone', debianPackage: 'bind9-utils' }],
  'doctor on a signed zone',
  () => {
    const directory = freshDirectory('doctor-dnssec');
    let port: number;
    let server: RunningProcess;
    let keyFolder: string;
    /** Line of the parent's zone. */
    let ds: string;
    let keyTag: number;

    beforeAll(async () => {
      port = await freePort();
      configure({ dnssec: true });
      server = await startProcess({
        command: process.execPath,
        args: [MAIN, '-c', 'dyndns.yml', 'serve'],
        cwd: directory,
        ready: (output) => output.includes('admin commands at'),
      });
      const status = JSON.parse((await run('zone', 'dnssec', ZONE, '--json')).stdout);
      ds = `${status.keys[0].ds.record.replace(`${ZONE}. IN`, 'dyn')}\n`;
      keyTag = status.keys[0].keyTag;
      keyFolder = join(directory, 'keys', ZONE);
    });
    afterAll(async () => {
      await server?.stop();
      removeNow(directory);
    });

    const cleanups: (() => unknown)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    function configure(zoneOptions: object): void {
      const config = {
        secret: 'masterSecretOfTests',
        log_level: 20,
        control: 'unix:control.sock',
        dns: { listen: [`${FIRST}:${port}`], database: 'zones.db' },
        http: { listen: ['127.0.0.1:0'] },
        zones: [
          {
            name: ZONE,
            nameserver: 'embedded',
            ns: [`ns1.${ZONE}`, `ns2.${ZONE}`],
            records: `ns1 A ${FIRST}\nns2 A ${SECOND}\n`,
            ...zoneOptions,
          },
        ],
      };
      writeFileSync(join(directory, 'dyndns.yml'), JSON.stringify(config), { mode: 0o600 });
    }

    const run = (...args: string[]) => runDyndns(['-c', 'dyndns.yml', ...args], { cwd: directory });

    /** The parent with these DS records; and at the second nameserver a copy of the zone. */
    async function serve(
      dsLines: string,
      options: { readonly parent?: 'unsigned' | SigningTimes; readonly copy?: BindZone } = {},
    ): Promise<void> {
      const { parent: times, copy } = options;
      const text = `${SOA}@ NS ns1\nns1 A 127.0.0.1\n${DELEGATION}${dsLines}`;
      const plain = { name: 'example.com', text };
      const parent = times === 'unsigned' ? plain : await signZone(plain, times);
      const root = {
        name: '.',
        text: `${SOA.replace('ns1 hostmaster', 'ns. hostmaster.')}@ NS ns.\nns. A 127.0.0.1\n`,
      };
      const above = await serveZones(port, [root, parent], { recursion: true });
      cleanups.push(() => above.stop());
      const copyPort = await freePort();
      const second = await serveZones(copyPort, [copy ?? (await signedCopy())]);
      cleanups.push(() => second.stop());
      const relay = await startRelay({ from: { host: SECOND, port }, to: { host: '127.0.0.1', port: copyPort } });
      cleanups.push(() => relay.close());
    }

    /** The zone as it is, signed with its key. */
    const signedCopy = (times?: SigningTimes) => {
      const file = readdirSync(keyFolder).find((name) => name.endsWith('.key'))!;
      return signZone({ name: ZONE, text: CONTENT }, times, join(keyFolder, file.replace(/\.key$/, '')));
    };

    /** The findings about signatures, as `status: text advice`. */
    async function examine(): Promise<readonly string[]> {
      const { stdout } = await run(
        'doctor',
        ZONE,
        '--json',
        '--resolver',
        `127.0.0.1:${port}`,
        '--nameserver-port',
        `${port}`,
      );
      const findings = (JSON.parse(stdout) as (Finding & { advice: string | null })[]).filter(
        ({ check }) => check === 'dnssec',
      );
      for (const { status, advice } of findings) if (status !== 'ok') expect(advice).toMatch(/\S/);
      return findings.map(({ status, text, advice }) => `${status}: ${text}${advice === null ? '' : ` ${advice}`}`);
    }
    const troubles = async () => (await examine()).filter((line) => !line.startsWith('ok: '));

    it('finds a complete chain, and says how long the signatures are valid at each nameserver', async () => {
      await serve(ds);
      const time = '20\\d\\d-\\d\\d-\\d\\dT[\\d:]+Z';
      const valid = `the signatures of DNSKEY and SOA are valid; that of the SOA record expires at ${time}\\.`;
      expect(await examine()).toEqual([
        `ok: The DS record at 'example.com.' is of the key ${keyTag} of the zone.`,
        expect.stringMatching(`^ok: ns1\\.${ZONE}\\. at ${FIRST}: ${valid}$`),
        expect.stringMatching(`^ok: ns2\\.${ZONE}\\. at ${SECOND}: ${valid}$`),
        `ok: The key ${keyTag} is in '${keyFolder}', and only its owner can read it.`,
      ]);
    });

    it('says that the zone is signed and not yet secured, with the DS record to hand over', async () => {
      await serve('');
      const [line, ...others] = await troubles();
      expect(line).toMatch(
        /^warning: The zone 'dyn\.example\.com\.' is signed, but 'example\.com\.' has no DS record for it/,
      );
      expect(line).toContain(`:\n  ${ZONE}. IN ${ds.replace(/^dyn /, '').trim()}`);
      expect(others).toEqual([]);
    });

    it('finds a DS record of another key, and one that is left over', async () => {
      await serve(OTHER_DS);
      expect((await troubles())[0]).toMatch(
        /^problem: The DS record .* is of the key 4711, .* SERVFAIL .*Replace it at 'example\.com\.':\n {2}dyn/s,
      );
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      await serve(`${ds}${OTHER_DS}`);
      expect(await troubles()).toEqual([
        expect.stringMatching(/^warning: 'example\.com\.' has a DS record of the key 4711 too/),
      ]);
    });

    it('finds a parent that is not signed, and one whose signatures are not of the time of our clock', async () => {
      await serve(ds, { parent: 'unsigned' });
      expect(await troubles()).toEqual([
        expect.stringMatching(/^warning: .* has a DS record, but is not signed itself/),
      ]);
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      await serve(ds, { parent: PAST });
      expect(await troubles()).toEqual([
        expect.stringMatching(/^problem: The signatures of 'example\.com\.' have expired by the clock of this machine/),
      ]);
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      await serve(ds, { parent: { start: 'now+86400', end: 'now+864000' } });
      expect(await troubles()).toEqual([
        expect.stringMatching(/^problem: .* are not valid yet by the clock of this machine/),
      ]);
    });

    it('finds a secondary whose signatures have expired, soon expire, are missing, or are of another key', async () => {
      const at = `ns2\\.${ZONE}\\. at ${SECOND}`;
      for (const [copy, expected] of [
        [
          await signedCopy(PAST),
          `^problem: ${at}: the DNSKEY RRset has a signature that expired at 2020-02-01T00:00:00Z`,
        ],
        [
          await signedCopy({ start: '20200101000000', end: 'now+7200' }),
          `^warning: ${at}: the DNSKEY .* should have been renewed`,
        ],
        [{ name: ZONE, text: CONTENT }, `^problem: ${at} serves 'dyn.example.com.' without DNSKEY records`],
        [
          await signZone({ name: ZONE, text: CONTENT }),
          `^problem: ${at}: the DNSKEY .* is not signed by the key that the parent has`,
        ],
      ] as const) {
        await serve(ds, { copy });
        expect(await troubles()).toEqual([expect.stringMatching(expected)]);
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      }
    });

    it('finds key files that others can read, and keys that are missing', async () => {
      await serve(ds);
      const file = readdirSync(keyFolder).find((name) => name.endsWith('.private'))!;
      chmodSync(join(keyFolder, file), 0o644);
      expect(await troubles()).toEqual([
        expect.stringMatching(/^problem: Other users .* \(mode 644\)\. Close it: chmod 600 /),
      ]);
      chmodSync(join(keyFolder, file), 0o600);
      renameSync(join(keyFolder, file), join(directory, file));
      expect(await troubles()).toEqual([expect.stringMatching(`^problem: The key ${keyTag} of the zone is not in `)]);
      renameSync(join(directory, file), join(keyFolder, file));
    });

    it('finds a zone that is signed although its option was removed, without asking the server', async () => {
      await serve(ds);
      configure({});
      const file = join(directory, 'dyndns.yml');
      await runOrThrow('sed', ['-i', 's/control.sock/other.sock/', file]);
      expect(await troubles()).toEqual([
        expect.stringMatching(/^problem: The zone .* is signed, and its option dnssec is not set/),
      ]);
      configure({ dnssec: true });
    });
  },
);

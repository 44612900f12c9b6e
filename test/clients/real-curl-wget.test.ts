/** curl and GNU wget as in docs/clients/curl.md, its cron line, and the units of deploy/client, against our server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DYNDNS2_ERRORS } from '../../src/http/protocols/dyndns2.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { type FinishedProgram, removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import {
  type ClientLab,
  curlEnvironment,
  HOME,
  LAB_PROGRAMS,
  NAS,
  ODD_TOKEN,
  openClientLab,
  PRIMARIES,
  pageBlock,
  settingsText,
  TOKEN,
  ZONE,
} from './client-lab.ts';

const PROGRAMS = [
  { command: 'curl', debianPackage: 'curl' },
  { command: 'wget', debianPackage: 'wget' },
];
const SERVICE = 'deploy/client/dyndns-update.service';
const BASIC = `Authorization: Basic ${Buffer.from(`${HOME}:${TOKEN}`).toString('base64')}`;

/** The command that systemd would start, without systemd's quoting. */
function execStart(unit: string): string {
  const command = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit)?.[1];
  if (command === undefined) throw new Error('the unit starts no shell');
  return command.replaceAll('$$', '$');
}

for (const primary of PRIMARIES) {
  describeWith([...LAB_PROGRAMS, ...PROGRAMS], `curl and wget and ${primary}`, () => {
    let lab: ClientLab;
    let machine: Installation;
    let env: NodeJS.ProcessEnv;

    beforeAll(async () => {
      lab = await openClientLab(primary);
      const tree = join(lab.directory, 'machine');
      machine = makeInstallation({ directory: tree, dnsPort: 53 });
      env = curlEnvironment(lab);
      await shell(pageBlock('curl.md', 'sh credential'));
      await shell(pageBlock('curl.md', 'sh units'));
    }, 30_000);
    beforeEach(async () => {
      lab.front.clientAddress = '203.0.113.45';
      await lab.clear();
    });
    afterAll(() => lab?.stop());

    function shell(script: string, more: NodeJS.ProcessEnv = {}): Promise<FinishedProgram> {
      return runProgram('sh', ['-e', '-u', '-c', machine.relocate(script)], { env: { ...env, ...more } });
    }
    /** A block of the page, optionally with another token, name or address. */
    const block = (words: string, before = '', after = '') => {
      const text = pageBlock('curl.md', words);
      expect(text).toContain(before);
      return text.replaceAll(before || '\0', after);
    };
    /** Uses a credential file with another token. */
    async function withWrongToken<T>(run: () => Promise<T>): Promise<T> {
      await shell(pageBlock('curl.md', 'sh credential').replace(TOKEN, 'WRONG'));
      return run().finally(() => shell(pageBlock('curl.md', 'sh credential')));
    }

    it('curl with Basic publishes the address that it comes from, as the page shows, and then changes nothing', async () => {
      const first = await shell(block('sh update'));
      expect([first.code, first.stdout]).toEqual([0, /^```\n(good .*\n)```$/m.exec(page())?.[1]]);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.45']);
      const serial = await lab.serial();
      expect((await shell(block('sh update'))).stdout).toBe('nochg 203.0.113.45\n');
      expect(await lab.serial()).toBe(serial);
    });

    it('curl with POST and with Bearer', async () => {
      const { code, stdout } = await shell(block('sh post'));
      expect([code, stdout]).toEqual([0, 'good 203.0.113.46\nnochg 203.0.113.46\n']);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.46']);
      const heads = lab.front.requests.slice(-2);
      expect(heads).toEqual([expect.stringMatching(/^POST /), expect.stringContaining('Authorization: Bearer TOKEN')]);
      expect(heads[0]).toContain(BASIC);
    });

    it('curl reads a secret of special characters from the file that --for prints commands for', async () => {
      await shell(settingsText(lab, 'curl', 'sh credential', ODD_TOKEN));
      try {
        const update = await shell(settingsText(lab, 'curl', 'sh update', ODD_TOKEN));
        expect([update.stdout, update.stderr]).toEqual(['good 203.0.113.45\n', '']);
      } finally {
        await shell(pageBlock('curl.md', 'sh credential'));
      }
    });

    it('curl with both families at once, and with a foreign name in the list', async () => {
      const list = `${HOME},foreign.${ZONE},${NAS}`;
      const both = '&myip=203.0.113.45,2001:db8::10';
      const { stdout } = await shell(block('sh update', `hostname=${HOME}`, `hostname=${list}${both}`));
      const good = 'good 203.0.113.45,2001:db8::10\n';
      expect(stdout).toBe(`${good}nohost\n${good}`);
      for (const name of [HOME, NAS]) {
        expect([await lab.look(name, 'A'), await lab.look(name, 'AAAA')]).toEqual([['203.0.113.45'], ['2001:db8::10']]);
      }
      expect(await lab.look(`foreign.${ZONE}`, 'A')).toBe('NXDOMAIN');
    });

    it('curl with a wrong token', async () => {
      const { stdout } = await withWrongToken(() => shell(block('sh update', 'curl -sS', 'curl -sS -w %{http_code}')));
      expect(stdout).toBe('badauth\n401');
    });

    it('wget is asked for the token, and then sends it on the same connection', async () => {
      const ca = writeInto(lab.directory, 'wgetrc', `ca_certificate = ${lab.front.caFile}\n`);
      const run = () => shell(lab.adapt(block('sh wget')), { WGETRC: ca });
      const before = lab.front.requests.length;
      const { code, stdout } = await run();
      expect([code, stdout]).toEqual([0, 'good 203.0.113.47\n']);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.47']);
      const [challenged, authorized, ...moreRequests] = lab.front.requests.slice(before);
      expect([challenged?.includes('Authorization'), authorized?.includes(BASIC), moreRequests]).toEqual([
        false,
        true,
        [],
      ]);
      expect((await run()).stdout).toBe('nochg 203.0.113.47\n');
      const wrong = await withWrongToken(run);
      expect([wrong.code, wrong.stdout]).toEqual([6, '']);
    });

    it("cron's line is silent when all is well, and says what is wrong", async () => {
      const [, command = ''] = /^\*\/5 \* \* \* \* root (.*)\n$/.exec(block('cron crontab')) ?? [];
      expect(command).not.toContain('%');
      const well = await shell(command);
      expect([well.stdout, well.stderr]).toEqual(['', '']);
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.45']);
      expect((await withWrongToken(() => shell(command))).stdout).toBe('badauth\n');
    });

    it('the systemd unit publishes, and fails with a word other than good or nochg', async () => {
      const command = execStart(readFileSync(join(REPOSITORY, SERVICE), 'utf8'));
      const settings = readFileSync(machine.path('/etc/dyndns-client/update.conf'), 'utf8').trim().split('\n');
      const unitEnv = {
        ...Object.fromEntries(settings.map((line) => line.split(/=(.*)/).slice(0, 2))),
        CREDENTIALS_DIRECTORY: machine.path('/etc/dyndns-client'),
      };
      const run = () => shell(command, unitEnv);
      expect(await run()).toEqual({ code: 0, stdout: 'good 203.0.113.45\n', stderr: '' });
      expect(await lab.look(HOME, 'A')).toEqual(['203.0.113.45']);
      expect(await run()).toEqual({ code: 0, stdout: 'nochg 203.0.113.45\n', stderr: '' });
      expect(await withWrongToken(run)).toEqual({ code: 1, stdout: 'badauth\n', stderr: '' });
    });
  });
}

function page(): string {
  return readFileSync(join(REPOSITORY, 'docs/clients/curl.md'), 'utf8');
}

describeWith([{ command: 'systemd-analyze', debianPackage: 'systemd' }], 'the units of deploy/client', () => {
  const names = ['dyndns-update.service', 'dyndns-update.timer'];
  const complaints = async (change = (text: string) => text) => {
    const directory = freshDirectory('timer');
    try {
      const files = names.map((name) =>
        writeInto(directory, name, change(readFileSync(join(REPOSITORY, 'deploy/client', name), 'utf8'))),
      );
      const units = { env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` } };
      const { stdout, stderr } = await runProgram(
        'systemd-analyze',
        ['verify', '--recursive-errors=no', ...files],
        units,
      );
      return (stdout + stderr).split('\n').filter((line) => line.includes('dyndns-update.'));
    } finally {
      removeNow(directory);
    }
  };

  it('have nothing that systemd does not understand', async () => {
    expect(await complaints()).toEqual([]);
  });

  it('with a setting that systemd does not know are found out', async () => {
    expect(await complaints((text) => text.replace('OnBootSec', 'OnBoot'))).not.toEqual([]);
  });
});

describe('docs/clients/curl.md', () => {
  it('explains every word of a reply that the server has, with its status', () => {
    const rows = [...page().matchAll(/^\| `(\w+)[^`]*` \| (\d+) \|/gm)].map(([, word, status]) => [
      Number(status),
      word,
    ]);
    const errors = Object.values(DYNDNS2_ERRORS).map(([status, word]) => [status, word]);
    const all = [[200, 'good'], [200, 'nochg'], ...errors].map(String);
    expect(rows.map(String).sort()).toEqual([...new Set(all)].sort());
  });
});

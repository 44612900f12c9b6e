/**
 * The parts of docs/clients about clients that no test can run (closed firmware): the URLs with the values that the client
 * would substitute, the scripts in a shell, and the index. curl sends the requests; only the pages claim that a device
 * sends them.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { INADYN_PROGRAMS, runInadyn } from '../support/inadyn.ts';
import { REPOSITORY } from '../support/installation.ts';
import { writeInto } from '../support/primary-server.ts';
import { runOrThrow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import {
  type ClientLab,
  curlEnvironment,
  HOME,
  LAB_PROGRAMS,
  ODD_TOKEN,
  openClientLab,
  pageBlock,
  settingsText,
  TOKEN,
  ZONE,
} from './client-lab.ts';

const [IPV4, IPV6] = ['203.0.113.45', '2001:db8:1:2:3:4:5:6'];
const PROGRAMS = [...LAB_PROGRAMS, ...INADYN_PROGRAMS, { command: 'curl', debianPackage: 'curl' }];

/** Page, block, the values that the client substitutes, and whether it sends user and password in a header. */
const URLS: readonly (readonly [string, string, Readonly<Record<string, string>>, 'Basic' | 'URL'])[] = [
  ['README.md', 'url any', {}, 'Basic'],
  ['fritzbox.md', 'url fritzbox', { '<domain>': HOME, '<ipaddr>': IPV4, '<ip6addr>': IPV6 }, 'Basic'],
  [
    'fritzbox.md',
    'url fritzbox-prefix',
    { '<domain>': HOME, '<ipaddr>': IPV4, '<ip6addr>': IPV6, '<ip6lanprefix>': '2001:db8:7::/56' },
    'Basic',
  ],
  ['fritzbox.md', 'url fritzbox-ipv4', { '<domain>': HOME, '<ipaddr>': IPV4 }, 'Basic'],
  ['pfsense.md', 'url pfsense', { '%IP%': IPV4 }, 'Basic'],
  ['opnsense.md', 'url opnsense', { __HOSTNAME__: HOME, __MYIP__: IPV4 }, 'Basic'],
  [
    'synology.md',
    'url synology',
    { __HOSTNAME__: HOME, __MYIP__: IPV4, __USERNAME__: HOME, __PASSWORD__: TOKEN },
    'URL',
  ],
];

function fill(text: string, values: Readonly<Record<string, string>>): string {
  let filled = text.trim();
  for (const [word, value] of Object.entries(values)) {
    expect(filled).toContain(word);
    filled = filled.replaceAll(word, value);
  }
  return filled;
}

describeWith(PROGRAMS, 'the pages of clients', () => {
  let lab: ClientLab;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    lab = await openClientLab('the embedded nameserver');
    lab.front.clientAddress = IPV4;
    env = curlEnvironment(lab);
  }, 30_000);
  beforeEach(() => lab.clear());
  afterAll(() => lab?.stop());

  const send = (url: string, more: readonly string[] = ['--user', `${HOME}:${TOKEN}`]) =>
    runOrThrow('curl', ['-sS', '--globoff', ...more, url], { env });

  it.each(URLS)('%s: the URL of the block "%s" publishes', async (page, words, values, credential) => {
    const url = fill(pageBlock(page, words), values);
    const both = url.includes(IPV6);
    expect(await send(url, credential === 'URL' ? [] : undefined)).toBe(`good ${IPV4}${both ? `,${IPV6}` : ''}\n`);
    expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    expect(await lab.look(HOME, 'AAAA')).toEqual(both ? [IPV6] : []);
  });

  it('fritzbox.md: an empty placeholder keeps the family that it stands for', async () => {
    const url = (ipaddr: string, ip6addr: string) =>
      fill(pageBlock('fritzbox.md', 'url fritzbox'), { '<domain>': HOME, '<ipaddr>': ipaddr, '<ip6addr>': ip6addr });
    await send(url(IPV4, IPV6));
    expect(await send(url('203.0.113.46', ''))).toBe('good 203.0.113.46\n');
    expect(await send(url('', IPV6))).toBe(`nochg ${IPV6}\n`);
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([['203.0.113.46'], [IPV6]]);
  });

  it('pfsense.md: the reply equals one alternative of the result match, the first time and later', async () => {
    const match = fill(pageBlock('pfsense.md', 'match pfsense'), { '%IP%': IPV4 }).split('|');
    const url = fill(pageBlock('pfsense.md', 'url pfsense'), { '%IP%': IPV4 });
    expect([await send(url), await send(url)].map((reply) => match.indexOf(reply.trim()))).toEqual([0, 1]);
    expect(match).not.toContain((await send(url.replace(HOME, `foreign.${ZONE}`))).trim());
  });

  it('opnsense.md: POST and PUT work the same way', async () => {
    const url = fill(pageBlock('opnsense.md', 'url opnsense'), { __HOSTNAME__: HOME, __MYIP__: IPV4 });
    const user = ['--user', `${HOME}:${TOKEN}`];
    expect(await send(url, ['-X', 'POST', ...user])).toBe(`good ${IPV4}\n`);
    expect(await send(url, ['-X', 'PUT', ...user])).toBe(`nochg ${IPV4}\n`);
  });

  it('openwrt.md: the answer of the service is in the reply of either family', async () => {
    const file = join(REPOSITORY, 'openwrt/ddns-scripts/dyndns.json');
    const service = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { url: string; answer: string }>;
    for (const [family, address] of [
      ['ipv4', IPV4],
      ['ipv6', IPV6],
    ] as const) {
      const { url, answer } = service[family]!;
      const server = { '[USERNAME]': HOME, '[PASSWORD]': TOKEN, '[PARAMOPT]': 'dyndns.example.com' };
      const values = { ...server, '[DOMAIN]': HOME, '[IP]': address };
      const replies = [await send(fill(url, values), []), await send(fill(url, values), [])];
      expect(replies).toEqual([`good ${address}\n`, `nochg ${address}\n`]);
      expect(replies.every((reply) => RegExp(answer).test(reply))).toBe(true);
      const foreign = { ...values, '[DOMAIN]': `foreign.${ZONE}` };
      expect(RegExp(answer).test(await send(fill(url, foreign), []))).toBe(false);
    }
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
  });

  it('ddns-updater.md: each entry publishes its family, and only a success matches', async () => {
    interface Entry {
      readonly url: string;
      readonly ipv4key: string;
      readonly ipv6key: string;
      readonly success_regex: string;
      readonly ip_version: string;
    }
    const { settings } = JSON.parse(pageBlock('ddns-updater.md', 'json ddns-updater')) as { settings: Entry[] };
    expect(settings.map((entry) => entry.ip_version)).toEqual(['ipv4', 'ipv6']);
    for (const { url, ip_version, success_regex, ...keys } of settings) {
      // It encodes the query again, sorted by name.
      const request = new URL(url);
      request.searchParams.set(
        ip_version === 'ipv4' ? keys.ipv4key : keys.ipv6key,
        ip_version === 'ipv4' ? IPV4 : IPV6,
      );
      request.searchParams.sort();
      const replies = [await send(request.href, []), await send(request.href, [])];
      expect(replies.map((reply) => RegExp(success_regex).test(reply))).toEqual([true, true]);
      request.searchParams.set('hostname', `foreign.${ZONE}`);
      expect(RegExp(success_regex).test(await send(request.href, []))).toBe(false);
    }
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
  });

  it('ddns-updater: a secret of special characters comes back from the URL of the file', async () => {
    const { settings } = JSON.parse(settingsText(lab, 'ddns-updater', 'json ddns-updater', ODD_TOKEN));
    const { username, password, href } = new URL(settings[0].url);
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    expect(await send(`${href.replace(/\/\/.*@/, '//')}&myip=${IPV4}`, ['--user', user])).toBe(`good ${IPV4}\n`);
  });

  it('openwrt.md: sh reads the values of the file back as they are', async () => {
    const text = settingsText(lab, 'openwrt', 'uci services', ODD_TOKEN);
    const values = [...text.matchAll(/^\toption (?:password|param_opt|use_ipv6) (.*)$/gm)].map(([, value]) => value);
    const { stdout } = await runProgram('sh', ['-c', `printf '%s\\n' ${values.join(' ')}`]);
    const server = `127.0.0.1:${lab.front.port}`;
    expect(stdout).toBe(`${[server, ODD_TOKEN, server, '1', ODD_TOKEN].join('\n')}\n`);
  });

  it('unifi.md: server and path, given to inadyn', async () => {
    const [, server, path] = /^([^/]+)(\/.*)\n$/.exec(pageBlock('unifi.md', 'url unifi')) ?? [];
    const file = writeInto(
      lab.directory,
      'unifi.conf',
      `ca-trust-file = ${lab.front.caFile}
custom unifi {
  hostname = "${HOME}"
  username = "${HOME}"
  password = "${TOKEN}"
  checkip-command = "echo ${IPV4}"
  ddns-server = "${lab.adapt(server ?? '')}"
  ddns-path = "${path}"
}
`,
    );
    expect((await runInadyn(file, ['--force'])).code).toBe(0);
    expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
  });

  it('asus.md: the script publishes its argument and reports what came of it', async () => {
    const shims = join(lab.directory, 'shims');
    mkdirSync(shims, { recursive: true });
    for (const name of ['logger', 'ddns_custom_updated']) {
      writeInto(shims, name, `#!/bin/sh\necho "${name}: $*"\n`);
    }
    await runOrThrow('chmod', ['700', join(shims, 'logger'), join(shims, 'ddns_custom_updated')]);
    const run = async (before = '', after = '') => {
      const script = pageBlock('asus.md', 'sh merlin')
        .replace(before, () => after)
        .replaceAll('/sbin/', `${shims}/`);
      const file = writeInto(lab.directory, 'ddns-start', script);
      const path = `${shims}:${env['PATH'] ?? ''}`;
      const { stdout, stderr } = await runProgram('sh', [file, IPV4], { env: { ...env, PATH: path } });
      expect(stderr).toBe('');
      return stdout.split('\n').filter((line) => line !== '');
    };
    expect(await run()).toEqual([`logger: -t ddns-start good ${IPV4}`, 'ddns_custom_updated: 1']);
    expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    expect(await run()).toEqual([`logger: -t ddns-start nochg ${IPV4}`, 'ddns_custom_updated: 1']);
    expect(await run(pageBlock('asus.md', 'sh merlin'), settingsText(lab, 'asus', 'sh merlin', ODD_TOKEN))).toEqual([
      `logger: -t ddns-start nochg ${IPV4}`,
      'ddns_custom_updated: 1',
    ]);
    expect(await run(TOKEN, 'WRONG')).toEqual(['logger: -t ddns-start badauth', 'ddns_custom_updated: 0']);
  });
});

describe('docs/clients', () => {
  const pages = readdirSync(join(REPOSITORY, 'docs/clients')).filter((name) => name !== 'README.md');
  const read = (name: string) => readFileSync(join(REPOSITORY, 'docs/clients', name), 'utf8').replaceAll('\n', ' ');

  it('has every page in its index', () => {
    for (const page of pages) expect(read('README.md')).toContain(`](${page})`);
  });

  it.each(['win-acme.md', 'certify.md', 'ddns-updater.md', 'home-assistant.md'])(
    '%s says what it is based on',
    (page) => {
      expect(read(page)).toContain('is based on the source');
    },
  );

  it.each(['fritzbox.md', 'unifi.md', 'mikrotik.md', 'synology.md', 'asus.md'])(
    '%s says what it is based on',
    (page) => {
      expect(read(page)).toContain('is based on published material');
    },
  );
});

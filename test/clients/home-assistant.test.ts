/**
 * docs/clients/home-assistant.md: its YAML is parsed as Home Assistant does, and each request that its configuration causes
 * is sent by curl. Only the page claims that Home Assistant sends it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeInto } from '../support/primary-server.ts';
import { runOrThrow } from '../support/process.ts';
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

const PAGE = 'home-assistant.md';
const IPV4 = '203.0.113.45';
const IPV6 = '2001:db8:1:2:3:4:5:6';

/** A YAML block of the page; `!secret NAME` is the value in the block of its secrets. */
function yaml<T>(words: string, secretWords?: string): T {
  const secrets: Record<string, string> = secretWords === undefined ? {} : parse(pageBlock(PAGE, secretWords));
  const resolve = (name: string) => {
    const value = secrets[name];
    if (value === undefined) throw new Error(`secrets.yaml has no ${name}`);
    return value;
  };
  return parse(pageBlock(PAGE, words), { customTags: [{ tag: '!secret', resolve }] }) as T;
}

interface Automation {
  readonly triggers: readonly { readonly trigger: string; readonly minutes?: string }[];
  readonly actions: readonly { readonly action?: string; readonly response_variable?: string }[];
}
interface RestCommand {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

const freednsUrl = () => yaml<{ freedns: { url: string } }>('yaml freedns', 'yaml freedns-secrets').freedns.url;
const restCommands = () =>
  yaml<{ rest_command: Record<string, RestCommand> }>('yaml rest-command', 'yaml rest-command-secrets').rest_command;
const shellCommands = () => yaml<{ shell_command: Record<string, string> }>('yaml shell-command').shell_command;

describe('the automation of docs/clients/home-assistant.md', () => {
  it('runs every five minutes and at a start, and calls an action that the page configures', () => {
    const { triggers, actions } = yaml<Automation>('yaml automation');
    expect(triggers.map(({ trigger }) => trigger)).toEqual(['homeassistant', 'time_pattern']);
    expect(triggers[1]!.minutes).toBe('/5');
    const [call] = actions;
    expect(Object.keys(restCommands()).map((name) => `rest_command.${name}`)).toContain(call!.action);
    expect(JSON.stringify(actions.slice(1))).toContain(`${call!.response_variable}.status`);
  });
});

describeWith([...LAB_PROGRAMS, { command: 'curl', debianPackage: 'curl' }], 'docs/clients/home-assistant.md', () => {
  let lab: ClientLab;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    lab = await openClientLab('the embedded nameserver');
    env = curlEnvironment(lab);
  }, 30_000);
  beforeEach(async () => {
    lab.front.clientAddress = IPV4;
    await lab.clear();
  });
  afterAll(() => lab?.stop());

  const send = (url: string, user?: string) =>
    runOrThrow('curl', ['-sS', '--globoff', ...(user === undefined ? [] : ['--user', user]), url], { env });

  it('FreeDNS: the URL publishes, and only errors contain ERROR', async () => {
    const url = freednsUrl();
    expect(await send(url)).toContain(`Updated ${HOME} to ${IPV4}`);
    expect(await lab.look(HOME, 'A')).toEqual([IPV4]);
    expect(await send(url)).toContain('has not changed');
    expect(await send(url.replace(TOKEN, 'WRONG'))).toContain('ERROR');
    expect(await send(url.replace(HOME, `foreign.${ZONE}`))).toContain('ERROR');
  });

  it('rest_command: URL and credential publish, and the automation distinguishes success from failure', async () => {
    const { url, username, password } = restCommands()['dyndns_update']!;
    const isSuccess = (reply: string) => ['good', 'nochg'].includes(reply.trim().split(' ')[0]!);
    const replies = [await send(url, `${username}:${password}`), await send(url, `${username}:${password}`)];
    expect(replies).toEqual([`good ${IPV4}\n`, `nochg ${IPV4}\n`]);
    expect(replies.map(isSuccess)).toEqual([true, true]);
    expect(isSuccess(await send(url, `${username}:WRONG`))).toBe(false);
    expect(isSuccess(await send(url.replace(HOME, `foreign.${ZONE}`), `${username}:${password}`))).toBe(false);
  });

  it('rest_command: a secret of special characters comes back from the file that --for prints', () => {
    const secrets = parse(settingsText(lab, 'home-assistant', 'yaml rest-command-secrets', ODD_TOKEN));
    expect(secrets).toEqual({ dyndns_token: ODD_TOKEN });
  });

  it('shell_command: each command publishes its family, and keeps the other one', async () => {
    const credential = writeInto(lab.directory, 'dyndns.curl', pageBlock(PAGE, 'curl shell-credential'));
    for (const [name, address] of [
      ['dyndns_ipv4', IPV4],
      ['dyndns_ipv6', IPV6],
    ] as const) {
      lab.front.clientAddress = address;
      const family = name.at(-1)!;
      const command = shellCommands()[name]!;
      expect(command).toMatch(new RegExp(`^curl -${family} `));
      // The front sets the client address, so the machine does not need an IPv6 loopback address.
      const script = command.replace(` -${family} `, ' ').replace('/config/dyndns.curl', credential);
      expect(await runOrThrow('sh', ['-c', script], { env })).toBe(`good ${address}\n`);
    }
    expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([[IPV4], [IPV6]]);
  });
});

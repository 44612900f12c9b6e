// docs/operating/webhooks.md and silent-hosts.md: their configurations and commands as they are, with real receivers in
// place of those on the internet. What the page does with signatures is run by test/e2e/webhooks.test.ts.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { form } from '../support/http-client.ts';
import { fencedBlocks, REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { FRONT_PROGRAMS, startTlsFront } from '../support/tls-front.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

const read = (page: string) => readFileSync(join(REPOSITORY, 'docs/operating', page), 'utf8');
const WEBHOOKS = read('webhooks.md');
const SILENT_HOSTS = read('silent-hosts.md');
const ZONE = 'dyndns.example.com';
const PROGRAMS = [{ command: 'jq', debianPackage: 'jq' }, ...FRONT_PROGRAMS];

const yaml = (page: string, word: string) =>
  new RegExp(`^\`\`\`yaml ${word}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)![1]!;

it.each([
  ['webhooks', WEBHOOKS],
  ['silence', SILENT_HOSTS],
])('the configuration of the page is valid: %s', (word, page) => {
  const rest = `secret: masterSecret\nzones: [{name: ${ZONE}, nameserver: 127.0.0.1, tsig_key: tPyvZA==}]\n`;
  const { config } = parseConfig(rest + yaml(page, word), 'page', {});
  expect(config.warnings).toEqual([]);
  expect(config.webhooks.length + config.hosts.length).toBeGreaterThan(0);
});

describeWith(PROGRAMS, 'the commands of the pages', () => {
  let receivers: WebhookReceiver[];
  let server: EmbeddedServer;
  let directory: string;

  beforeAll(async () => {
    receivers = [await startWebhookReceiver(), await startWebhookReceiver()];
    const { webhooks } = parse(yaml(WEBHOOKS, 'webhooks')) as { webhooks: { url: string }[] };
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        webhooks: webhooks.map((webhook, index) => ({ ...webhook, url: receivers[index]!.url })),
      },
    });
    directory = freshDirectory('webhooks-page');
    const programs = {
      dyndns: `exec '${process.execPath}' '${MAIN}' -c '${server.dyndns.configFile}' "$@"`,
      sendmail: 'exec cat',
    };
    for (const [name, line] of Object.entries(programs)) {
      writeFileSync(join(directory, name), `#!/bin/sh\n${line}\n`);
      chmodSync(join(directory, name), 0o755);
    }
  });
  afterAll(async () => {
    await server?.stop();
    for (const receiver of receivers) await receiver.close();
    removeNow(directory);
  });

  async function run(page: string, word: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
    const input = fencedBlocks(page, word).join('\n');
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}`, ...more };
    const { code, stdout, stderr } = await runProgram('sh', ['-e', '-u'], { input, env, cwd: directory });
    if (code !== 0) throw new Error(`"${word}": exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  it('send a test', async () => {
    expect((await run(WEBHOOKS, 'test')).match(/delivered, status 200/g)).toHaveLength(3);
    expect(receivers.map(({ received }) => received.length)).toEqual([1, 2]);
  });

  it('make a mail of what came', async () => {
    const { body, headers } = form({ fqdn: `home.${ZONE}`, ipv4: '192.0.2.1' });
    await server.dyndns.ask('/update-by-query', {
      method: 'POST',
      body: body!,
      headers: { ...headers, Authorization: `Bearer ${server.secret}` },
    });
    await waitUntil('the change', () => receivers[0]!.received.length === 2);
    expect(await run(WEBHOOKS, 'mail', { body: receivers[0]!.received[1]!.body })).toBe(
      `To: root\nSubject: home.${ZONE} is 192.0.2.1\n\nhome.${ZONE} changed: A none -> 192.0.2.1. By master (original from 127.0.0.1).\n`,
    );
  });

  it('trust an authority of the file in NODE_EXTRA_CA_CERTS, and no other', async () => {
    const front = await startTlsFront('hooks.example.net', Number(new URL(receivers[1]!.url).port));
    try {
      const file = join(directory, 'tls.yml');
      const zones = [{ name: ZONE, nameserver: '127.0.0.1', tsig_key: 'tPyvZA==' }];
      const webhooks = [{ url: `https://127.0.0.1:${front.port}/x` }];
      writeFileSync(file, JSON.stringify({ secret: 'masterSecret', zones, webhooks }), { mode: 0o600 });
      const before = receivers[1]!.received.length;
      const strange = await runDyndns(['-c', file, 'webhook', 'test']);
      expect([strange.code, strange.stdout]).toEqual([
        1,
        expect.stringMatching(/failed, no answer .*\n.*NODE_EXTRA_CA_CERTS/),
      ]);
      expect(receivers[1]!.received.length).toBe(before);
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: front.caFile };
      expect((await runDyndns(['-c', file, 'webhook', 'test'], { env })).code).toBe(0);
      expect(receivers[1]!.received.length).toBe(before + 1);
    } finally {
      await front.stop();
    }
  });

  it('limit the silence of a host in the store', async () => {
    await run(SILENT_HOSTS, 'silence');
    const shown = await runProgram('sh', ['-c', `./dyndns host show office.${ZONE}`], { cwd: directory });
    expect(shown.stdout).toContain('  silent     notice after 90000 s\n  lease      604800 s, then 192.0.2.99\n');
    const wrong = (...args: string[]) =>
      runProgram(join(directory, 'dyndns'), ['host', 'add', `x.${ZONE}`, ...args], { cwd: directory });
    for (const [args, text] of [
      [['--fallback', '192.0.2.1'], 'A fallback needs a lease'],
      [
        ['--lease', '60', '--fallback', ...Array.from({ length: 9 }, (_, index) => `192.0.2.${index}`)],
        'at most 8 IPv4 and 8 IPv6 addresses',
      ],
      [['--interface-id', '2001:db8::1'], '--interface-id must be an interface identifier'],
      [['--prefix-length', '48'], '--prefix-length must be an integer from 56 to 64'],
      [['--lease', 'x'], '--lease must be an integer from 0 to 315360000'],
      [['--silent-after', '-1'], '--silent-after must be an integer'],
    ] as const) {
      const { code, stderr } = await wrong(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    }
  });
});

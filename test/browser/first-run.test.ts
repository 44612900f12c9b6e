/**
 * The first run in a browser, as a person does it: from `npm start` and from `dyndns setup` to the first update of a real
 * ddclient and of the router script. Steps and seconds are printed, not judged.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { makeRouter, ROUTER_PROGRAMS } from '../openwrt/router.ts';
import { runDdclient } from '../support/ddclient.ts';
import { dig } from '../support/dig.ts';
import { runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, startProcess } from '../support/process.ts';
import { missingProgramsAdvice } from '../support/programs.ts';
import { type SetupLab, startSetupLab } from '../support/setup-lab.ts';
import { describeInBrowser, expectGoodLooks, openScreen } from './screens.ts';

const PASSWORD = 'correct horse battery';
const START_MS = 60_000;
const [IPV4, IPV6] = ['192.0.2.44', '2001:db8:0:1f10::1'];
const BR_LAN = `7: br-lan: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qlen 1000
    inet6 ${IPV6}/60 scope global dynamic noprefixroute
       valid_lft 7000sec preferred_lft 3400sec`;
const DDCLIENT = [{ command: 'ddclient', debianPackage: 'ddclient' }];

/** Counts what a person does, and how long it takes. */
class Journey {
  readonly #startMs = performance.now();
  readonly #steps: string[] = [];
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async fill(label: string, text: string): Promise<void> {
    this.#steps.push(`fill ${label}`);
    await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  async choose(name: string): Promise<void> {
    this.#steps.push(`choose ${name}`);
    await this.page.getByRole('radio', { name, exact: true }).check();
  }

  async press(name: string): Promise<void> {
    this.#steps.push(`press ${name}`);
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** Accepts the invitation of the first administrator. */
  async openAccount(): Promise<void> {
    this.#steps.push('fill user name', 'fill password', 'press the button');
    await this.page.locator('input[name=username]').fill('alice');
    await this.page.locator('input[name=password]').fill(PASSWORD);
    await this.page.locator('button[type=submit]').click();
  }

  /** A start of the server may take long on a busy machine. */
  async see(title: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { name: title }).waitFor({ timeout: START_MS });
  }

  report(what: string): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1);
    process.stdout.write(`first run, ${what}: ${this.#steps.length} steps, ${seconds} s (${this.#steps.join('; ')})\n`);
  }
}

/** The file for ddclient that the page shows, with a command in place of the look-up of the address: here that would be loopback. */
async function ddclientFile(page: Page, directory: string): Promise<string> {
  const texts = await page.locator('pre code').allTextContents();
  const text = texts.find((each) => each.includes('use=web,')) ?? texts[0]!;
  const file = join(directory, 'ddclient.conf');
  const adapted = text
    .replace(/^use=web,.*$/m, `use=cmd, cmd='echo ${IPV4}'`)
    .replace('/var/cache/ddclient', directory);
  expect(adapted).toContain(`echo ${IPV4}`);
  writeFileSync(file, adapted, { mode: 0o600 });
  return file;
}

async function updateByDdclient(page: Page, directory: string): Promise<void> {
  const { stdout, stderr } = await runDdclient(await ddclientFile(page, directory), { caFile: '/dev/null' });
  expect(`${stdout}${stderr}`).toContain('SUCCESS');
}

/** What the page shows for OpenWrt, with the script of openwrt/ in place of ddns-scripts. */
async function updateByRouter(page: Page, zone: string): Promise<void> {
  const text = (await page.locator('pre code').allTextContents()).join('\n');
  const [, secret = ''] = /option password '([^']+)'/.exec(text) ?? [];
  const [, authority = ''] = /option param_opt '([^']+)'/.exec(text) ?? [];
  const router = makeRouter({
    shell: 'busybox ash',
    transports: ['curl'],
    config: { SERVER: `http://${authority}`, SECRET: secret, ZONE: zone },
    ip: { 'br-lan': BR_LAN },
  });
  try {
    const { code, stdout, stderr } = await router.run(['-6', '-d', 'br-lan', 'router']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(IPV6);
  } finally {
    router.remove();
  }
}

describeInBrowser('the first run', () => {
  let browser: Browser;
  let directory: string;
  let running: RunningProcess | undefined;
  let lab: SetupLab | undefined;

  beforeAll(async () => {
    browser = await chromium.connect(inject('browserEndpoint'));
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await running?.stop();
    await lab?.stop();
    running = undefined;
    lab = undefined;
    if (directory !== undefined) removeNow(directory);
  });

  /** `npm start` with a folder and ports of its own. @returns the link and the port of DNS */
  async function npmStart(): Promise<{ readonly link: string; readonly dnsPort: number }> {
    directory = freshDirectory('first-run');
    const dnsPort = await freePort();
    running = await startProcess({
      command: 'npm',
      args: ['start', '--', 'quickstart', '--dir', join(directory, '.dyndns')],
      cwd: REPOSITORY,
      env: {
        ...process.env,
        DYNDNS_HTTP_LISTEN: `127.0.0.1:${await freePort()}`,
        DYNDNS_DNS_LISTEN: `127.0.0.1:${dnsPort}`,
      },
      ready: (output) => output.includes('Ctrl-C ends the server'),
      readyTimeoutMs: 120_000,
    });
    return { link: /http:\S+#invitation=\S+/.exec(running.output())![0], dnsPort };
  }

  async function toDevice(journey: Journey, name: string): Promise<void> {
    await journey.see('Your first name');
    await journey.fill('Name', name);
    await journey.press('Continue');
    await journey.see('Connect your device');
  }

  it.skipIf(missingProgramsAdvice(DDCLIENT) !== undefined && !process.env['CI'])(
    'from npm start to the first update of ddclient',
    async () => {
      const { link, dnsPort } = await npmStart();
      const { page, close } = await openScreen(browser, link);
      const journey = new Journey(page);
      await page.getByLabel('Password').first().waitFor();
      await expectGoodLooks(page);
      await journey.openAccount();
      await toDevice(journey, 'home');
      await journey.choose('ddclient');
      await journey.press('Show what to enter');
      await journey.see('Waiting for the first update');
      await expectGoodLooks(page);
      await updateByDdclient(page, directory);
      await journey.see('home.dyn.home.arpa is live');
      await page.getByText(`home.dyn.home.arpa. IN A ${IPV4}`).waitFor();
      journey.report('npm start to ddclient');
      expect([...(await dig({ host: '127.0.0.1', port: dnsPort }, ['home.dyn.home.arpa', 'A'])).short]).toEqual([IPV4]);
      await expectGoodLooks(page);
      await close();
    },
    180_000,
  );

  it.skipIf(missingProgramsAdvice(ROUTER_PROGRAMS) !== undefined && !process.env['CI'])(
    'from npm start to the first update of the router script; a refused one is shown first',
    async () => {
      const { link } = await npmStart();
      const { page, close } = await openScreen(browser, link);
      const journey = new Journey(page);
      await journey.openAccount();
      await toDevice(journey, 'router');
      await journey.choose('OpenWrt');
      await journey.press('Show what to enter');
      await journey.see('Waiting for the first update');
      const [, authorization = ''] = /: (.*)\n/.exec(
        readFileSync(join(directory, '.dyndns', 'authorization'), 'utf8'),
      )!;
      const port = Number(new URL(link).port);
      const target = '/update-by-query?fqdn=router.dyn.home.arpa&ip_1=127.0.0.1';
      const refused = await ask({ port }, target, { headers: { Authorization: authorization } });
      expect(refused.body).toContain('is a loopback address');
      await page.getByText('An update arrived and was refused').waitFor();
      await updateByRouter(page, 'dyn.home.arpa');
      await journey.see('router.dyn.home.arpa is live');
      journey.report('npm start to the router script');
      await close();
    },
    180_000,
  );

  it('from dyndns setup to the first update, each step good to look at', async () => {
    const dnsPort = await freePort();
    lab = await startSetupLab();
    const link = /http\S+#setup=\S+/.exec(lab.process.output())![0];
    // The browser calls what a step refuses an error.
    const { page, close } = await openScreen(browser, link, { expected: [/400 .*administrator$/, /502 .*zone$/] });
    const journey = new Journey(page);
    await journey.see('Who runs this server?');
    expect(page.url()).not.toContain('setup=');
    await expectGoodLooks(page);
    await journey.fill('Password', 'short');
    await page.getByLabel('Your name').fill('Alice');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('lower-case letters, digits and the signs').waitFor();
    await journey.fill('Your name', 'alice');
    await journey.press('Continue');
    await journey.see('Which names shall follow your addresses?');
    await expectGoodLooks(page);
    // The page may be loaded again: the answers are at the server.
    await page.reload();
    await journey.see('Which names shall follow your addresses?');
    await page.getByText('A nameserver that I have').click();
    await page.getByLabel('Name of the zone').fill('dyn.example.com');
    await page.getByText('I have no key yet: make one').click();
    await page.getByRole('button', { name: 'Make a key' }).click();
    await page.getByText('rndc reconfig').waitFor();
    await expectGoodLooks(page);
    await page.getByLabel('Address of the nameserver').fill('127.0.0.1');
    await page.getByLabel('Port', { exact: true }).fill(String(await freePort()));
    await page.getByRole('button', { name: 'Try the key and continue' }).click();
    await page.getByText('Your nameserver does not answer').waitFor();
    await page.getByText('This server', { exact: true }).click();
    await journey.fill('Name of the zone', 'dyn.example.com');
    await journey.fill('Public addresses of this server', '192.0.2.1');
    await journey.press('Continue');
    await journey.see('Can the world reach it?');
    await page.getByText('ns1.dyn.example.com. IN A 192.0.2.1').waitFor();
    await page.getByText('Other addresses or another port for DNS').click();
    await journey.fill('Addresses and ports of the nameserver', `127.0.0.1:${dnsPort}`);
    await journey.press('Save and check');
    await page.getByText(`DNS can use 127.0.0.1:${dnsPort}`).waitFor({ timeout: START_MS });
    await expectGoodLooks(page);
    await journey.press('Continue');
    await journey.see('Start the server');
    await page.getByText("secret: '[secret]'").waitFor();
    await expectGoodLooks(page);
    await journey.press('Write the file and start');
    await journey.see('Your first name');
    expect(page.url()).not.toContain('link=');
    await page.getByText('home.dyn.example.com will lead to your device.').waitFor();
    await expectGoodLooks(page);
    await journey.press('Continue');
    await journey.see('Connect your device');
    await expectGoodLooks(page);
    await journey.choose('curl');
    await journey.press('Show what to enter');
    await journey.see('Waiting for the first update');
    await expectGoodLooks(page);
    const config = join(lab.directory, 'dyndns.yml');
    const update = await runDyndns(['-c', config, 'update', 'home.dyn.example.com', IPV4], { cwd: lab.directory });
    expect([update.code, update.stderr]).toEqual([0, '']);
    await journey.see('home.dyn.example.com is live');
    journey.report('dyndns setup to an update');
    await page.getByRole('link', { name: 'Go to the overview' }).click();
    await page.getByText('home.dyn.example.com').first().waitFor();
    await close();
  }, 240_000);

  it('by the keyboard alone', async () => {
    const dnsPort = await freePort();
    lab = await startSetupLab();
    const link = /http\S+#setup=\S+/.exec(lab.process.output())![0];
    const { page, close } = await openScreen(browser, link);
    const title = (text: string) => page.getByRole('heading', { level: 1, name: text }).waitFor({ timeout: START_MS });
    await title('Who runs this server?');
    // The title has the focus, so that a screen reader begins there.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await tabTo(page, 'Your name');
    await page.keyboard.type('admin');
    await tabTo(page, 'Password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await title('Which names shall follow your addresses?');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await tabTo(page, 'This server');
    await page.keyboard.press('ArrowDown');
    await page.getByLabel('Secret of the key').waitFor();
    await page.keyboard.press('ArrowUp');
    await tabTo(page, 'Name of the zone');
    await page.keyboard.type('dyn.example.com');
    await page.keyboard.press('Enter');
    await title('Can the world reach it?');
    await tabTo(page, 'Other addresses or another port for DNS');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Addresses and ports of the nameserver');
    await page.keyboard.type(`127.0.0.1:${dnsPort}`);
    await page.keyboard.press('Enter');
    await page.getByText(`DNS can use 127.0.0.1:${dnsPort}`).waitFor({ timeout: START_MS });
    await tabTo(page, 'Continue');
    await page.keyboard.press('Enter');
    await title('Start the server');
    await page.getByText("secret: '[secret]'").waitFor();
    await tabTo(page, 'Write the file and start');
    await page.keyboard.press('Enter');
    await title('Your first name');
    await page.getByText('will lead to your device').waitFor();
    await tabTo(page, 'Continue');
    await page.keyboard.press('Enter');
    await title('Connect your device');
    await tabTo(page, 'FRITZ!Box');
    await page.keyboard.press('ArrowRight');
    await tabTo(page, 'Show what to enter');
    await page.keyboard.press('Enter');
    await page.getByText('Waiting for the first update').waitFor();
    await close();
  }, 240_000);

  it('opened again without the link, or with a used one, says what to do', async () => {
    lab = await startSetupLab();
    const url = `http://127.0.0.1:${lab.port}/ui/`;
    const without = await openScreen(browser, url);
    await without.page.getByText('Open the link from the terminal').waitFor();
    await expectGoodLooks(without.page);
    await without.close();
    await lab.signIn();
    const used = await openScreen(browser, `${url}#setup=${lab.link}`, { expected: [/401/] });
    await used.page.getByText('was used already').waitFor();
    await used.close();
  }, 120_000);
});

/** Presses Tab until the element with this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const stops: string[] = [];
  for (let at = 0; at < 60; at += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement as (HTMLElement & { labels?: NodeListOf<HTMLElement> }) | null;
      const label = element?.labels?.[0];
      const title = label?.querySelector('.setup-choice-title') ?? label;
      return (element?.getAttribute('aria-label') ?? title?.textContent ?? element?.textContent ?? '').trim();
    });
    if (stop === name) return;
    stops.push(stop);
  }
  throw new Error(`The keyboard did not reach '${name}': ${stops.join(' | ')}`);
}

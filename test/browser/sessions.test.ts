/**
 * Sessions across tabs, browsers and servers: where one ends, its other pages show it by themselves; and a page survives the restart of
 * its server.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openLab, type Lab as PrimaryLab } from '../e2e/lab.ts';
import { cookiesOf, linkSecret, operate, sendOperation } from '../support/api-lab.ts';
import { MAIN, parseLog, type RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, missingProgramsAdvice } from '../support/programs.ts';
import { describeInBrowser, openScreen, type Screen, type Screens, startScreens } from './screens.ts';

/** What the browser says of replies 401 and of a server that is not there. */
const EXPECTED = [/ 401 /, /net::ERR_/];

const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const sessionEnded = (page: Page) => page.getByText('Your session has ended').waitFor();

async function signOut(page: Page, user: string): Promise<void> {
  await page.getByRole('button', { name: user, exact: true }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await title(page, 'Sign in');
}

describeInBrowser('a session', () => {
  let screens: Screens;
  let restarted: RunningProcess | undefined;
  const opened: Screen[] = [];

  beforeAll(async () => {
    const port = await freePort();
    screens = await startScreens({ config: { http: { listen: [`127.0.0.1:${port}`] } } });
    await screens.lab.user('alice', 'admin');
    await screens.lab.user('bob');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((screen) => screen.close()));
  });
  afterAll(async () => {
    await restarted?.stop();
    await screens?.stop();
  });

  /** A browser of its own with a session of its own. */
  async function browserOf(user: string, path: string): Promise<Page> {
    const { Cookie = '' } = await screens.lab.signIn(user);
    const screen = await openScreen(screens.browser, `${screens.url}#${path}`, { cookie: Cookie, expected: EXPECTED });
    opened.push(screen);
    return screen.page;
  }

  async function newTab(page: Page, path: string): Promise<Page> {
    const tab = await page.context().newPage();
    await tab.goto(`${screens.url}#${path}`);
    return tab;
  }

  it('that is ended in one tab ends the other tabs, on every screen', async () => {
    const page = await browserOf('bob', '/');
    const tabs = await Promise.all(['/', '/tokens', '/account'].map((path) => newTab(page, path)));
    await Promise.all([
      ...[page, tabs[0]!].map((tab) => title(tab, 'Names')),
      title(tabs[1]!, 'Tokens'),
      title(tabs[2]!, 'Your account'),
    ]);
    await signOut(page, 'bob');
    await Promise.all(tabs.map(sessionEnded));
    for (const tab of tabs) expect(await tab.getByRole('navigation').count()).toBe(0);
  });

  it('that is ended in the list of another browser ends the tab there, and no other', async () => {
    const there = await browserOf('bob', '/tokens');
    await title(there, 'Tokens');
    const bystander = await browserOf('alice', '/');
    await title(bystander, 'Names');
    const here = await browserOf('bob', '/account');
    await here.getByRole('heading', { name: 'Where you are signed in' }).waitFor();
    // The other session of this test alone; those of other tests ended with them.
    const other = here.getByRole('button', { name: /^Sign out / });
    await other.first().waitFor();
    expect(await other.count()).toBe(1);
    await other.click();
    await here.getByRole('dialog').getByRole('button', { name: 'Sign out', exact: true }).click();
    await sessionEnded(there);
    await title(here, 'Your account');
    await title(bystander, 'Names');
    await here.reload();
    await title(here, 'Your account');
    const denied = await there.evaluate(async () => (await fetch('../v1/me')).status);
    expect(denied).toBe(401);
  });

  it('of a user who is disabled ends', async () => {
    await screens.lab.user('carol');
    const page = await browserOf('carol', '/account');
    await title(page, 'Your account');
    await screens.lab.operate('changeUser', { name: 'carol', enabled: false });
    await sessionEnded(page);
  });

  it('lives through a restart of the server: the page says that it is away, comes back and shows what is true then', {
    timeout: 60_000,
  }, async () => {
    const { lab } = screens;
    await lab.operate('addHost', { host: 'before.dyn.example.com' });
    const overview = await browserOf('alice', '/');
    const tokens = await newTab(overview, '/tokens');
    await overview.getByRole('link', { name: /^before\.dyn/ }).waitFor();
    await title(tokens, 'Tokens');
    const marked = [overview, tokens];
    for (const page of marked) await page.evaluate(() => Object.assign(window, { isSamePage: true }));

    await lab.server.dyndns.process.stop();
    const away = (page: Page) => page.getByRole('status').getByText('The server does not answer');
    await Promise.all(marked.map((page) => away(page).waitFor()));
    const { configFile, directory } = lab.server.dyndns;
    restarted = await startProcess({
      command: process.execPath,
      args: [MAIN, '--config', configFile, 'serve'],
      cwd: directory,
      ready: (output) => parseLog(output).some(({ msg }) => msg.startsWith('listening on ')),
    });
    await lab.operate('removeHost', { host: 'before.dyn.example.com' });
    await lab.operate('addHost', { host: 'after.dyn.example.com' });
    await lab.operate('createToken', { name: 'made-meanwhile', hosts: ['after.dyn.example.com'] });
    await Promise.all(marked.map((page) => away(page).waitFor({ state: 'detached' })));
    await overview.getByRole('link', { name: /^after\.dyn/ }).waitFor();
    await overview.getByRole('link', { name: /^before\.dyn/ }).waitFor({ state: 'detached' });
    await tokens.getByText('made-meanwhile', { exact: true }).waitFor();
    for (const page of marked) expect(await page.evaluate(() => 'isSamePage' in window)).toBe(true);
    // Updates are shown again as they happen.
    await lab.operate('update', { host: 'after.dyn.example.com', ips: ['192.0.2.77'] });
    await overview.getByText('192.0.2.77').waitFor();
  });
});

describeInBrowser('three servers on one PostgreSQL', () => {
  const missing = missingProgramsAdvice([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS]);
  let postgres: PostgresServer;
  let primary: PrimaryLab;
  let servers: readonly RunningDyndns[] = [];
  let screens: Screens;

  beforeAll(async () => {
    if (missing !== undefined) return;
    [primary, postgres, screens] = await Promise.all([openLab(), startPostgres(), startScreens()]);
    servers = await Promise.all(
      [0, 1, 2].map((number) =>
        primary.serve({
          store: postgres.url,
          control: `unix:${join(primary.primary.directory, `control${number}`)}`,
          admin: { enabled: true },
          log_level: 20,
        }),
      ),
    );
  });
  afterAll(async () => {
    await screens?.stop();
    await primary?.stop();
    await postgres?.stop();
  });

  it('a session that is ended at one server ends the pages at the others', async ({ skip }) => {
    if (missing !== undefined) {
      if (process.env['CI']) throw new Error(missing);
      skip(missing);
    }
    const control = { socketPath: join(primary.primary.directory, 'control0') };
    await operate(control, 'createUser', { name: 'dora', role: 'member' });
    const open = async (at: number, cookie: string, path: string) =>
      openScreen(screens.browser, `http://127.0.0.1:${servers[at]!.port}/ui/#${path}`, { cookie, expected: EXPECTED });
    const signIn = async (at: number) => {
      const { url } = await operate(control, 'createLink', { user: 'dora' });
      const { port } = servers[at]!;
      const page = { Origin: `http://127.0.0.1:${port}`, 'Sec-Fetch-Site': 'same-origin' };
      const input = { link: linkSecret(url) };
      return cookiesOf(await sendOperation({ port }, 'signIn', input, undefined, { headers: page }));
    };
    const cookie = await signIn(0);
    // One session, with a page at each of two servers.
    const first = await open(0, cookie, '/');
    const second = await open(1, cookie, '/account');
    const other = await open(2, await signIn(1), '/account');
    await title(first.page, 'Names');
    await title(second.page, 'Your account');
    await other.page.getByRole('button', { name: /^Sign out / }).click();
    await other.page.getByRole('dialog').getByRole('button', { name: 'Sign out', exact: true }).click();
    await Promise.all([sessionEnded(first.page), sessionEnded(second.page)]);
    await title(other.page, 'Your account');
    for (const screen of [first, second, other]) await screen.close();
  });
});

/**
 * A viewer, a member and an admin each see and may do exactly theirs: in the navigation, the lists and the buttons, and at the server,
 * where a page sends what it does not offer. And what users choose is shown as text.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestOf } from '../../src/core/admin/operation-routes.ts';
import { OPERATIONS, type Operation, type OperationName } from '../../src/core/admin/operations.ts';
import { API_ZONE } from '../support/api-lab.ts';
import { describeInBrowser, type Screens, startScreens } from './screens.ts';

const MARKUP = '<img src=x onerror="window.wasRun=true">';
const nameOf = (label: string) => `${label}.${API_ZONE}`;
/** The server refuses what a page should not have sent: for the browser an error. */
const REFUSED = [/status of (?:400|403|404|409)/];
const NAMES = Object.keys(OPERATIONS) as OperationName[];

describeInBrowser('roles', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    const { lab } = screens;
    await lab.user('alice', 'admin');
    for (const name of ['carol', 'bob', 'vera', 'chris', 'mark']) await lab.user(name);
    for (const [host, owner] of [
      ['carol', 'carol'],
      ['shared', 'carol'],
      ['bob', 'bob'],
    ] as const) {
      await lab.operate('addHost', { host: nameOf(host), owner });
    }
    await lab.operate('addHost', { host: nameOf('operator') });
    await lab.operate('shareHost', { host: nameOf('shared'), user: 'vera', access: 'view' });
    await lab.operate('shareHost', { host: nameOf('shared'), user: 'chris', access: 'change' });
    await lab.operate('addMember', { host: nameOf('carol'), member: nameOf('nas'), interfaceId: '::10' });
    await lab.operate('createToken', { name: 'carols-router', hosts: [nameOf('carol')], owner: 'carol' });
    await lab.operate('createToken', { name: 'bobs-router', hosts: [nameOf('bob')], owner: 'bob' });
    for (const host of ['carol', 'shared', 'bob']) {
      await lab.operate('update', { host: nameOf(host), ips: ['192.0.2.20'] });
    }
  }, 60_000);
  afterAll(() => screens?.stop());

  const loaded = (page: Page) => page.waitForFunction(() => document.querySelector('.skeleton') === null);
  const navigation = (page: Page) => page.getByRole('navigation', { name: 'Main', exact: true });
  async function entriesOf(user: string): Promise<readonly { readonly text: string; readonly path: string }[]> {
    return screens.with('/account', { user }, async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor();
      return navigation(page)
        .getByRole('link')
        .evaluateAll((links) =>
          links.map((link) => ({
            text: (link.textContent ?? '').trim(),
            path: (link.getAttribute('href') ?? '').slice(1),
          })),
        );
    });
  }

  it('of members have the same navigation, whose every screen opens; those of admins alone do not', {
    timeout: 120_000,
  }, async () => {
    const [viewer, member, admin] = await Promise.all([entriesOf('vera'), entriesOf('bob'), entriesOf('alice')]);
    expect(viewer).toEqual(member);
    const names = (entries: typeof admin) => entries.map(({ text }) => text);
    expect(names(member)).toEqual(expect.arrayContaining(['Names', 'Connect', 'Tokens', 'Live']));
    const onlyAdmin = admin.filter(({ path }) => !member.some((one) => one.path === path));
    expect(names(onlyAdmin)).toEqual(expect.arrayContaining(['Users', 'Audit', 'This server']));
    expect(admin.length).toBe(member.length + onlyAdmin.length);
    // Any request that is refused would be a console error, and fail here.
    for (const [user, entries] of [
      ['vera', viewer],
      ['bob', member],
      ['alice', admin],
    ] as const) {
      await screens.with('/account', { user }, async (page) => {
        for (const { path } of entries) {
          await page.evaluate((hash) => window.location.assign(hash), `#${path}`);
          await page.locator(`nav a[href="#${path}"][aria-current=page]`).first().waitFor();
          await page.getByRole('heading', { level: 1 }).waitFor();
          await loaded(page);
          expect([user, path, await page.getByRole('alert').count()]).toEqual([user, path, 0]);
        }
        if (user === 'alice') return;
        for (const { path } of onlyAdmin) {
          await page.evaluate((hash) => window.location.assign(hash), `#${path}`);
          await page.getByRole('heading', { level: 1, name: 'Not found' }).waitFor();
        }
      });
    }
  });

  it('see their own names and those that are shared with them, and an admin sees all', {
    timeout: 60_000,
  }, async () => {
    for (const [user, seen] of [
      ['vera', ['shared']],
      ['bob', ['bob']],
      ['carol', ['carol', 'shared']],
      ['alice', ['bob', 'carol', 'operator', 'shared']],
    ] as const) {
      await screens.with('/', { user }, async (page) => {
        await page.locator('.name-link').first().waitFor();
        const shown = await page.locator('.name-link').allTextContents();
        const names = shown.map((name) => name.trim().replace(/\.$/, ''));
        // The apex and its nameserver are an admin's, too.
        const own = names.filter((name) => name !== API_ZONE && name !== nameOf('ns1') && name !== nameOf('nas'));
        expect([user, own]).toEqual([user, seen.map(nameOf)]);
      });
    }
  });

  it('find on the screen of a name the buttons of what they may do with it, and no others', {
    timeout: 90_000,
  }, async () => {
    const [update, share, change, remove] = ['Set an address', 'Share', 'Change', `Delete ${nameOf('shared')}`];
    for (const [user, offered, mayConnect] of [
      ['vera', [], false],
      ['chris', [update], true],
      ['carol', [update, share, change, remove], true],
      ['alice', [update, share, change, remove], true],
    ] as const) {
      await screens.with(`/hosts/${nameOf('shared')}`, { user }, async (page) => {
        const main = page.getByRole('main');
        await main.getByText('192.0.2.20').first().waitFor();
        await main.getByText('vera', { exact: false }).first().waitFor({ state: 'attached' });
        await loaded(page);
        const shown = [update, share, change, remove].map((name) =>
          main.getByRole('button', { name: name!, exact: true }),
        );
        const counts = await Promise.all(shown.map((button) => button.count()));
        const wanted = [update, share, change, remove].map((name) => (offered.includes(name as never) ? 1 : 0));
        expect([user, counts]).toEqual([user, wanted]);
        expect([user, (await main.locator('a[href^="#/connect/"]').count()) > 0]).toEqual([user, mayConnect]);
      });
    }
    const expected = [/status of 404/];
    await screens.with(`/hosts/${nameOf('carol')}`, { user: 'bob', expected }, async (page) => {
      await page.getByRole('alert').first().waitFor();
      expect(await page.getByRole('main').textContent()).not.toContain('192.0.2.20');
      for (const name of [update, share, change, remove]) {
        expect(await page.getByRole('button', { name: name!, exact: true }).count()).toBe(0);
      }
    });
  });

  it('see their own tokens alone, and are offered only names that they may change', {
    timeout: 60_000,
  }, async () => {
    await screens.with('/tokens', { user: 'bob' }, async (page) => {
      await page.getByText('bobs-router', { exact: true }).waitFor();
      expect(await page.getByText('carols-router').count()).toBe(0);
      await page.getByRole('button', { name: 'Revoke bobs-router' }).waitFor();
    });
    await screens.with('/connect', { user: 'vera' }, async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await loaded(page);
      expect(await page.getByRole('link', { name: nameOf('shared') }).count()).toBe(0);
    });
    await screens.with('/tokens', { user: 'alice' }, async (page) => {
      await page.getByText('carols-router', { exact: true }).waitFor();
      await page.getByText('bobs-router', { exact: true }).waitFor();
    });
  });

  /** What the operator sees of the others: it must be the same after all attempts. */
  async function stateOfOthers(): Promise<unknown> {
    const { lab } = screens;
    const [hosts, tokens, users, keys, zone] = await Promise.all([
      lab.operate('listHosts', {}),
      lab.operate('listTokens', {}),
      lab.operate('listUsers', {}),
      lab.operate('listKeys', { user: 'carol' }),
      lab.operate('listRRsets', { zone: API_ZONE }),
    ]);
    return { hosts, tokens, users, keys, zone };
  }

  /** Sends an operation as the page itself does, with its cookie and its origin. @returns the status */
  function sendFrom(page: Page, name: OperationName, input: object): Promise<number> {
    const { method, target, json } = requestOf(name, input);
    return page.evaluate(
      async ([verb, path, body]) => {
        const response = await fetch(`..${path}`, {
          method: verb!,
          ...(body !== undefined && { body, headers: { 'Content-Type': 'application/json' } }),
        });
        await response.body?.cancel();
        return response.status;
      },
      [method, target, json === undefined ? undefined : JSON.stringify(json)] as const,
    );
  }

  it('cannot be left by sending what the page does not offer', { timeout: 120_000 }, async () => {
    const before = await stateOfOthers();
    const forAdmins = NAMES.filter((name) => ['admin', 'operator'].includes(OPERATIONS[name].allowed));
    expect(forAdmins.length).toBeGreaterThan(20);
    const ofHosts = NAMES.filter((name) => (OPERATIONS[name] as Operation).needs?.field === 'host');
    const ofTokens = NAMES.filter((name) => (OPERATIONS[name] as Operation).needs?.field === 'token');
    const inputOf = (name: OperationName, host: string) => {
      const { example, needs } = OPERATIONS[name] as Operation;
      if (needs?.field === 'host') return { ...example, host };
      return needs?.field === 'token' ? { ...example, name: 'carols-router' } : example;
    };
    for (const user of ['bob', 'vera']) {
      await screens.with('/account', { user, expected: REFUSED }, async (page) => {
        await page.getByRole('heading', { level: 1 }).waitFor();
        for (const name of forAdmins) {
          const status = await sendFrom(page, name, inputOf(name, nameOf('carol')));
          // That of the operator is not there at all.
          expect([user, name, status]).toEqual([user, name, OPERATIONS[name].allowed === 'admin' ? 403 : 404]);
        }
        for (const name of [...ofHosts, ...ofTokens]) {
          const status = await sendFrom(page, name, inputOf(name, nameOf('carol')));
          expect([user, name, status]).toEqual([user, name, 404]);
        }
        for (const name of user === 'vera' ? ofHosts : []) {
          const { needs } = OPERATIONS[name] as Operation;
          const isViewed = needs?.field === 'host' && needs.access === 'view';
          const status = await sendFrom(page, name, inputOf(name, nameOf('shared')));
          expect([name, status]).toEqual([name, isViewed ? 200 : 403]);
        }
        // Without a host or a token that the table knows of.
        for (const [name, input] of [
          ['createToken', { name: 'stolen', hosts: [nameOf('carol')] }],
          ['createToken', { name: 'stolen', hosts: [nameOf('shared')] }],
          ['createToken', { name: 'stolen', hosts: [`*.${API_ZONE}`] }],
          ['addHost', { host: nameOf('carol') }],
          ['addHost', { host: nameOf('mine'), owner: 'carol' }],
          [
            'changeRRsets',
            { zone: API_ZONE, set: [{ name: nameOf('carol'), type: 'TXT', ttl: 60, records: ['"x"'] }] },
          ],
        ] as const) {
          const status = await sendFrom(page, name, input);
          expect([user, name, [400, 403, 404, 409].includes(status)]).toEqual([user, name, true]);
        }
      });
    }
    expect(await stateOfOthers()).toEqual(before);
  });

  it('see what others chose as text: names of tokens and keys, browsers, names of hosts', {
    timeout: 90_000,
  }, async () => {
    const { lab } = screens;
    await lab.operate('createToken', { name: MARKUP, hosts: [nameOf('mark')] });
    await lab.operate('createKey', { user: 'alice', name: MARKUP });
    await expect(lab.operate('addHost', { host: `${MARKUP}.${API_ZONE}` })).rejects.toThrow('400');
    const link = await lab.operate('createLink', { user: 'alice' });
    const agent = { ...lab.page, 'User-Agent': MARKUP };
    await lab.send('signIn', { link: link.url.split('=').at(-1) }, undefined, { headers: agent });
    await lab.operate('update', { host: nameOf('bob'), ips: ['192.0.2.21'] });
    for (const [path, shown] of [
      ['/tokens', MARKUP],
      ['/account', MARKUP.slice(0, 30)],
      ['/audit', 'alice'],
      ['/live', nameOf('bob')],
    ] as const) {
      await screens.with(path, { user: 'alice' }, async (page) => {
        await page.getByText(shown).first().waitFor();
        await expectNoMarkup(page);
      });
    }
    // A name that the server would refuse, as if a store had it.
    await screens.with(
      '/',
      {
        user: 'alice',
        prepare: (context) =>
          context.route(/\/v1\/(?:overview|history)\?/, async (route) => {
            const text = await (await route.fetch()).text();
            const hostile = JSON.stringify(MARKUP).slice(1, -1);
            await route.fulfill({ contentType: 'application/json', body: text.replaceAll('bob.', `${hostile}.`) });
          }),
      },
      async (page) => {
        for (const path of ['/', '/live']) {
          await page.evaluate((hash) => window.location.assign(hash), `#${path}`);
          await page.getByText(MARKUP).first().waitFor();
          await expectNoMarkup(page);
        }
      },
    );
  });

  async function expectNoMarkup(page: Page): Promise<void> {
    const found = await page.evaluate(() => ({
      images: document.querySelectorAll('img[src="x"]').length,
      wasRun: 'wasRun' in window,
    }));
    expect(found).toEqual({ images: 0, wasRun: false });
  }
});

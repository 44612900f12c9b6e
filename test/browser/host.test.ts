/** The screen of a name and that of the devices behind it, in front of a real server. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_ZONE } from '../support/api-lab.ts';
import { NAME_REPLIES, useSampleData } from './sample-data.ts';
import { describeInBrowser, expectGoodLooks, openScreen, type Screens, startScreens, tabStops } from './screens.ts';

const HOST = `home.${API_ZONE}`;
const NAS = `nas.${API_ZONE}`;

describeInBrowser('the screen of a name', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    const { lab } = screens;
    await lab.user('anna', 'admin');
    for (const name of ['owner', 'viewer', 'stranger']) await lab.user(name);
    await lab.operate('addHost', { host: HOST, owner: 'owner', interfaceId: '::1', prefixLength: 56 });
    await lab.operate('shareHost', { host: HOST, user: 'viewer', access: 'view' });
    await lab.operate('createToken', { name: 'router', hosts: [HOST], owner: 'owner' });
    await lab.operate('update', { host: HOST, ips: ['192.0.2.1', '2001:db8:1::1'] });
    await lab.operate('addHost', { host: NAS, owner: 'owner' });
    await lab.operate('addMember', { host: HOST, member: NAS, interfaceId: '::10', subnet: 2 });
  });
  afterAll(() => screens?.stop());

  const loaded = async (page: Page) => {
    await page.getByRole('heading', { level: 1, name: HOST }).waitFor();
    await page.getByText('Every nameserver answers what it should.').waitFor();
  };

  it('looks good at each width, light and dark, and axe finds nothing', { timeout: 120_000 }, async () => {
    const screen = await openScreen(screens.browser, `${screens.url}#/hosts/home.dyn.example.com`, {
      prepare: (context) => useSampleData(context, () => NAME_REPLIES),
    });
    await screen.page.getByText('Show older').first().waitFor();
    await screen.page.getByText('Everything that happened').click();
    await expectGoodLooks(screen.page);
    await screen.close();
  });

  it('shows what each nameserver answers, the addresses over time, and who may change it', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'anna' }, async (page) => {
      await loaded(page);
      expect(await page.getByRole('row', { name: /This server/ }).textContent()).toContain('192.0.2.1');
      await page.getByRole('img', { name: /^IPv4 in the last 90 days: 1 address/ }).waitFor();
      await page.getByText('IPv6', { exact: true }).first().waitFor();
      await page.getByRole('link', { name: 'router' }).waitFor();
    });
  });

  it('sets an address after a preview', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'owner' }, async (page) => {
      await loaded(page);
      await page.getByRole('button', { name: 'Set an address' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('IPv4 address').fill('192.0.2.77');
      await dialog.getByRole('button', { name: 'Preview' }).click();
      await dialog.getByRole('cell', { name: '192.0.2.77' }).waitFor();
      expect((await screens.lab.operate('showHost', { host: HOST })).published?.A).toEqual(['192.0.2.1']);
      await dialog.getByRole('button', { name: 'Set it' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page
        .getByRole('row', { name: /This server/ })
        .getByText('192.0.2.77')
        .waitFor();
      expect((await screens.lab.operate('showHost', { host: HOST })).published?.A).toEqual(['192.0.2.77']);
    });
  });

  it('follows what happens elsewhere without a reload', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'anna' }, async (page) => {
      await loaded(page);
      await screens.lab.operate('update', { host: HOST, ips: ['192.0.2.99'] });
      await page
        .getByRole('row', { name: /This server/ })
        .getByText('192.0.2.99')
        .waitFor();
    });
  });

  it('pauses and changes settings', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'owner' }, async (page) => {
      await loaded(page);
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('Paused: updates of this name are refused.').waitFor();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('button', { name: 'Change', exact: true }).click();
      await page.getByLabel('Tell me after, in hours without a report').fill('2');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('2 hours').waitFor();
      expect((await screens.lab.operate('showHost', { host: HOST })).silentAfterSeconds).toBe(7200);
    });
  });

  it('lets a viewer look and change nothing, and hides the name from strangers', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'viewer' }, async (page) => {
      await loaded(page);
      for (const name of ['Set an address', 'Pause', 'Share', `Delete ${HOST}`]) {
        expect(await page.getByRole('button', { name }).count()).toBe(0);
      }
    });
    await screens.with(`/hosts/${HOST}`, { user: 'stranger', expected: [/404/] }, async (page) => {
      await page.getByRole('alert').first().waitFor();
    });
  });

  it('is used by the keyboard alone', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'owner' }, async (page) => {
      await loaded(page);
      const stops = await tabStops(page, 60);
      for (const name of ['Set an address', 'Ask again', 'Pause', `Delete ${HOST}`]) expect(stops).toContain(name);
    });
  });

  it('shows the prefix, and tries a move before it makes it', async () => {
    await screens.with(`/hosts/${HOST}/site`, { user: 'owner' }, async (page) => {
      await page.getByRole('img', { name: /128 bits: 56 bits for the prefix/ }).waitFor();
      await page.getByText('2001:db8:1::/56', { exact: true }).waitFor();
      await page.getByLabel('New prefix').fill('2001:db8:2::/56');
      await page.getByRole('button', { name: 'Preview' }).click();
      await page.getByRole('row', { name: /nas/ }).getByText('2001:db8:2:2::10').waitFor();
      expect((await screens.lab.operate('showHost', { host: HOST })).published?.AAAA).toEqual(['2001:db8:1::1']);
      await page.getByRole('button', { name: 'Move all of them' }).click();
      await page.getByText('2001:db8:2::/56', { exact: true }).waitFor();
      expect((await screens.lab.operate('showHost', { host: HOST })).published?.AAAA).toEqual(['2001:db8:2::1']);
    });
  });

  it('adds and removes a device', async () => {
    await screens.with(`/hosts/${HOST}/site`, { user: 'anna' }, async (page) => {
      await page.getByRole('button', { name: 'Add a device' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill(`cam.${API_ZONE}`);
      await dialog.getByLabel('Device part').fill('::c0');
      await dialog.getByRole('button', { name: 'Add a device' }).click();
      await page.getByRole('row', { name: /cam/ }).waitFor();
      await page.getByRole('button', { name: /^Remove cam/ }).click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /^Remove cam/ })
        .click();
      await page.getByRole('row', { name: /cam/ }).waitFor({ state: 'detached' });
    });
  });

  it('shows the devices at each width, light and dark', { timeout: 120_000 }, async () => {
    const screen = await openScreen(screens.browser, `${screens.url}#/hosts/home.dyn.example.com/site`, {
      prepare: (context) => useSampleData(context, () => NAME_REPLIES),
    });
    const { page } = screen;
    await page.getByLabel('New prefix').fill('2001:db8:77:3400::/56');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('button', { name: 'Move all of them' }).waitFor();
    await expectGoodLooks(page);
    await screen.close();
  });

  it('deletes the name, and says what it destroys', async () => {
    await screens.with(`/hosts/${HOST}`, { user: 'owner', expected: [/404/] }, async (page) => {
      await loaded(page);
      await page.getByRole('button', { name: `Delete ${HOST}` }).click();
      const dialog = page.getByRole('dialog');
      expect(await dialog.textContent()).toMatch(/192\.0\.2\.\d/);
      await dialog.getByLabel('Delete its history, too').check();
      expect(await dialog.textContent()).toContain('Its history');
      expect(await dialog.textContent()).toContain('router');
      await dialog.getByRole('button', { name: `Delete ${HOST}` }).click();
      await page.getByRole('heading', { level: 1, name: 'Names' }).waitFor();
      expect((await screens.lab.operate('listHosts', { search: HOST })).hosts).toEqual([]);
    });
  });
});

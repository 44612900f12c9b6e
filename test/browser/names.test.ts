/** From the first name to the first update: the overview, a new name, a FRITZ!Box, its update, and the overview again. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEVICE_IDS } from '../../src/core/devices/devices.ts';
import { DEVICE_CHOICES } from '../../web/src/device-choices.ts';
import { describeInBrowser, expectGoodLooks, type Screens, startScreens } from './screens.ts';

describeInBrowser('names and devices', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('alice', 'admin');
    await screens.lab.user('bob');
  });
  afterAll(() => screens?.stop());

  const title = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
  /** As a router does. */
  const update = (host: string, secret: string, address: string) =>
    screens.lab.server.dyndns.ask(`/nic/update?hostname=${host}&myip=${address}`, {
      headers: { Authorization: `Basic ${Buffer.from(`${host}:${secret}`).toString('base64')}` },
    });

  it('every device of the server can be chosen', () => {
    expect(DEVICE_CHOICES.map(({ id }) => id)).toEqual(DEVICE_IDS);
  });

  it('a member without names is led to one, and sees the first update of the router arrive', {
    timeout: 90_000,
  }, async () => {
    await screens.with('/', { user: 'bob' }, async (page) => {
      await page.getByRole('heading', { name: 'No names yet' }).waitFor();
      await page.getByRole('main').getByRole('link', { name: 'Connect a device' }).last().click();

      await title(page, 'Connect a device');
      await page.getByLabel('Name', { exact: true }).fill('-wrong-');
      await page.getByText('Use letters, digits and hyphens').waitFor();
      await page.getByLabel('Name', { exact: true }).fill('home');
      await page.getByText('home.dyn.example.com').waitFor();
      await page.keyboard.press('Enter');

      await title(page, 'What reports for home.dyn.example.com?');
      await page.getByRole('link', { name: 'FRITZ!Box' }).click();

      await title(page, 'Set up FRITZ!Box');
      await page.getByText('You opened this page as localhost').waitFor();
      await page.getByLabel('Address of this server').fill('https://dyndns.example.com');
      await page.getByRole('button', { name: 'Make the token' }).click();
      const password = page.locator('.device-field').filter({ hasText: 'Password' });
      await password.waitFor();
      const secret = (await password.locator('code').textContent()) ?? '';
      expect(secret).toMatch(/^[a-z0-9]{16,}$/i);
      await page.getByText('https://dyndns.example.com/nic/update?hostname=<domain>').first().waitFor();
      await page.getByText('Waiting for the first update').waitFor();
      await expectGoodLooks(page);

      expect((await update('home.dyn.example.com', secret, '127.0.0.1')).status).not.toBe(500);
      await page.getByText('An update arrived and was not accepted').waitFor();
      expect((await update('home.dyn.example.com', secret, '203.0.113.7')).body).toMatch(/^good/);
      await page.getByRole('heading', { name: 'The first update has arrived' }).waitFor();
      await page.getByText('The nameserver answers with it').waitFor();
      // It is stored nowhere in the browser.
      expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(secret);

      page.once('dialog', (dialog) => void dialog.accept());
      await page.getByRole('link', { name: 'See all names' }).click();
      await title(page, 'Names');
      await page.getByRole('table').getByText('203.0.113.7').waitFor();
      await page.getByText('Up to date').waitFor();
      await expectGoodLooks(page);

      // Without a reload, and only for what was asked.
      await update('home.dyn.example.com', secret, '203.0.113.8');
      await page.getByRole('table').getByText('203.0.113.8').waitFor();
      await page.getByRole('searchbox', { name: 'Search names' }).fill('nothing');
      await page.getByRole('heading', { name: 'No name matches' }).waitFor();
      expect(page.url()).toContain('q=nothing');
      await page.getByRole('button', { name: 'Show all names' }).click();
      await page.getByRole('table').waitFor();
    });
  });

  it('many names are in pages that the server makes, and a search finds one of them', async () => {
    const hosts = Array.from({ length: 120 }, (_, at) => ({ host: `n${String(at).padStart(3, '0')}.dyn.example.com` }));
    await screens.lab.operate('createHosts', { hosts });
    await screens.with('/', { user: 'alice' }, async (page) => {
      await page.getByRole('link', { name: 'n000.dyn.example.com' }).waitFor();
      expect(await page.getByRole('row').count()).toBe(51);
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('link', { name: 'n060.dyn.example.com' }).waitFor();
      await page.getByRole('button', { name: 'Previous' }).click();
      await page.getByRole('link', { name: 'n000.dyn.example.com' }).waitFor();
      await page.getByRole('searchbox', { name: 'Search names' }).fill('n119');
      await page.getByRole('link', { name: 'n119.dyn.example.com' }).waitFor();
      expect(await page.getByRole('row').count()).toBe(2);
      await page.getByRole('searchbox', { name: 'Search names' }).fill('');
      await page.getByRole('button', { name: /^Not connected/ }).click();
      await page.getByRole('link', { name: 'n001.dyn.example.com' }).waitFor();
      expect(page.url()).toContain('state=never');
    });
  });

  it('an error of the server stays on the screen with what to do, until it answers again', async () => {
    let isDown = true;
    await screens.with(
      '/',
      {
        user: 'bob',
        expected: [/503/],
        prepare: (context) =>
          context.route(/\/v1\/overview\?/, (route) =>
            isDown
              ? route.fulfill({
                  status: 503,
                  contentType: 'application/problem+json',
                  body: JSON.stringify({ title: 'x', status: 503, code: 'store-unreachable', detail: 'Try it later.' }),
                })
              : route.continue(),
          ),
      },
      async (page) => {
        await page.getByRole('alert').getByText('The database does not answer').waitFor();
        isDown = false;
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.getByRole('table').waitFor();
        expect(await page.getByRole('alert').count()).toBe(0);
      },
    );
  });
});

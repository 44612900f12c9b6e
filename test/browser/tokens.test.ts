/** Tokens and management keys, and the events that their use makes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectGoodLooks, type Screens, startScreens } from './screens.ts';

const MARKUP = '<img src=x onerror=alert(1)>';

describeInBrowser('tokens and live', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('alice', 'admin');
    await screens.lab.operate('createToken', { name: MARKUP, hosts: ['home.dyn.example.com'], addresses: 'own' });
    await screens.lab.operate('createToken', {
      name: 'lab',
      hosts: ['*.lab.dyn.example.com'],
      types: ['AAAA', 'TXT'],
      maxUnusedDays: 90,
    });
  });
  afterAll(() => screens?.stop());

  it('says in plain words what each may do, and shows markup in a name as text', async () => {
    await screens.with('/tokens', { user: 'alice' }, async (page) => {
      await page.getByText(MARKUP).first().waitFor();
      await page
        .getByText('May change the IPv6 address and TXT records (for certificates) of every name below')
        .waitFor();
      await expectGoodLooks(page);
      await page.getByRole('button', { name: 'Details: what may lab do?' }).click();
      const dialog = page.getByRole('dialog', { name: 'What may this token do?' });
      await dialog.getByText('It ends when it is not used for 90 days.').waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
        'Details: what may lab do?',
      );
    });
  });

  it('makes one by keyboard, shows its password once, and revokes it after naming what ends', {
    timeout: 60_000,
  }, async () => {
    await screens.with('/tokens', { user: 'alice' }, async (page) => {
      await page.getByRole('button', { name: 'Make a token' }).focus();
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => document.activeElement?.closest('dialog') !== null);
      await page.keyboard.type('printer');
      await page.keyboard.press('Tab');
      await page.keyboard.type('printer.dyn.example.com');
      await page.getByRole('button', { name: 'Make the token' }).press('Enter');
      const dialog = page.getByRole('dialog', { name: 'The password of printer' });
      expect(await dialog.locator('code').textContent()).toMatch(/^[a-z0-9]{16,}$/i);
      await dialog.getByRole('button', { name: 'Done' }).click();
      await page.getByRole('button', { name: 'Revoke printer' }).click();
      await page.getByRole('dialog').getByText('The device that has it cannot report any more').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke printer' }).click();
      await page.getByText('printer is revoked.').first().waitFor();
      await page.getByText('Revoked', { exact: true }).waitFor();
    });
  });

  it('an event appears live, waits while it is paused, and is found by the filter', async () => {
    await screens.with('/live', { user: 'alice' }, async (page) => {
      await page.getByRole('heading', { name: 'Nothing has happened yet' }).waitFor();
      await page.getByText('Live', { exact: true }).nth(1).waitFor();
      await screens.lab.operate('update', { host: 'home.dyn.example.com', ips: ['192.0.2.7'] });
      await page
        .getByRole('cell', { name: /192\.0\.2\.7/ })
        .first()
        .waitFor();
      await expectGoodLooks(page);
      await page.getByRole('button', { name: 'Pause' }).click();
      await screens.lab.operate('update', { host: 'home.dyn.example.com', ips: ['192.0.2.8'] });
      await page.getByRole('button', { name: 'Show 1 new event' }).waitFor();
      expect(await page.getByText('192.0.2.8').count()).toBe(0);
      await page.getByRole('button', { name: 'Show 1 new event' }).click();
      await page.getByText('192.0.2.8').first().waitFor();
      await page.getByRole('searchbox').fill('192.0.2.200');
      await page.getByRole('heading', { name: 'Nothing matches' }).waitFor();
      await page.getByRole('searchbox').fill('home.dyn');
      await page
        .getByRole('cell', { name: /192\.0\.2\.8/ })
        .first()
        .waitFor();
    });
  });
});

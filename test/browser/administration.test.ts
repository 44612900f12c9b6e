/** What administrators have: users, invitations, audit, the server; and the own account, which everyone has. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectGoodLooks, type Screens, startScreens } from './screens.ts';

describeInBrowser('administration', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('alice', 'admin');
    await screens.lab.user('bob');
  });
  afterAll(() => screens?.stop());

  it('invites a user by a link, and removes one after the name was entered', async () => {
    await screens.with('/users', { user: 'alice' }, async (page) => {
      await page.getByRole('button', { name: 'Invite someone' }).click();
      await page.getByLabel('User name').fill('carol');
      await page.keyboard.press('Enter');
      const made = page.getByRole('dialog', { name: 'Send this link' });
      expect(await made.locator('pre').textContent()).toMatch(/#invitation=[\w-]{20,}$/);
      await made.getByRole('button', { name: 'Done' }).click();
      await page.getByText('carol').waitFor();
      await expectGoodLooks(page);

      await page.getByRole('button', { name: 'Manage bob' }).click();
      await page.getByRole('dialog', { name: 'bob' }).getByRole('button', { name: 'Remove' }).click();
      const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove bob' });
      expect(await remove.isDisabled()).toBe(true);
      await page.getByLabel('Enter bob to confirm').fill('bob');
      await remove.click();
      await page.getByText('bob is removed.').first().waitFor();
      await page.getByRole('button', { name: 'Manage bob' }).waitFor({ state: 'detached' });
    });
  });

  it('shows in the audit list who did what', async () => {
    await screens.with('/audit', { user: 'alice' }, async (page) => {
      await page.getByText('Removed a user').first().waitFor();
      await page.getByText('Invited someone').first().waitFor();
      await expectGoodLooks(page);
    });
  });

  it('shows the server, and runs the update check', async () => {
    await screens.with('/server', { user: 'alice' }, async (page) => {
      await page.getByText('dyn.example.com').first().waitFor();
      await page.getByRole('button', { name: 'Run the check' }).click();
      await page.getByText('Every zone passed').waitFor();
      await expectGoodLooks(page);
    });
  });

  it('shows the configuration with where each value is from, and finds an option', async () => {
    await screens.with('/configuration', { user: 'alice' }, async (page) => {
      await page.getByText('admin.enabled').waitFor();
      await page.getByRole('searchbox', { name: 'Search options' }).fill('admin.enabled');
      await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
      await page.getByRole('row', { name: /true.*dyndns\.yml/ }).waitFor();
      await expectGoodLooks(page);
    });
  });

  it('a member sees nothing of it', async () => {
    await screens.lab.user('dora');
    await screens.with('/users', { user: 'dora' }, async (page) => {
      await page.getByRole('heading', { level: 1, name: 'Not found' }).waitFor();
      expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(0);
    });
  });

  it('the own account gets a password and shows where it is signed in', async () => {
    await screens.lab.user('erik');
    await screens.with('/account', { user: 'erik', expected: [/400 .*\/v1\/me\/password/] }, async (page) => {
      await page.getByRole('button', { name: 'Choose a password' }).click();
      await page.getByLabel('New password').fill('too short');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByText('shorter').waitFor();
      await page.getByLabel('New password').fill('a sentence that is long');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Change password' }).waitFor();
      await page.getByText('This browser').waitFor();
      await page.getByRole('button', { name: 'Set it up' }).click();
      await page.getByRole('img', { name: 'QR code with the key' }).waitFor();
      await page.keyboard.press('Escape');
      await expectGoodLooks(page);
    });
  });
});

/** Sign-in: links, passwords with a code, invitations, the first administrator, and the end of a session. */
import { createHmac } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectGoodLooks, type Screens, startScreens } from './screens.ts';

const PASSWORD = 'correct horse battery';

describeInBrowser('sign-in', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
  });
  afterAll(() => screens?.stop());

  const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
  /** The page of a link that the server made, at the port that it has here. */
  const place = (url: string) => `${screens.url}${new URL(url).hash}`;

  it('says without any user which command makes the first one', async () => {
    await screens.with('/', {}, async (page) => {
      await title(page, 'No one has an account yet');
      await expectGoodLooks(page);
      expect(await page.getByRole('region', { name: 'command' }).textContent()).toContain('dyndns user link YOUR-NAME');
    });
  });

  it('an invitation makes an account with a password, and its secret leaves the address bar at once', async () => {
    await screens.lab.operate('createUser', { name: 'alice', role: 'admin' });
    const { url } = await screens.lab.operate('createInvitation', { role: 'member' });
    const screen = await screens.open('/');
    const { page } = screen;
    // In a tab that has the page already.
    await page.goto(place(url));
    await title(page, 'You are invited');
    expect(page.url()).not.toContain('invitation');
    await expectGoodLooks(page);
    await page.getByLabel('User name').fill('bob');
    await page.getByLabel('New password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await title(page, 'Names');
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).toBe('{}');
    await screen.close();
  });

  it('an invitation that was used says so', async () => {
    const { url } = await screens.lab.operate('createInvitation', { role: 'member', name: 'carol' });
    const { id } = (await screens.lab.operate('listInvitations', {})).invitations[0]!;
    await screens.lab.operate('removeInvitation', { id });
    const screen = await screens.open('/', { expected: [/\/v1\/invitations:show/] });
    await screen.page.goto('about:blank');
    await screen.page.goto(place(url));
    await title(screen.page, 'This invitation is not valid any more');
    await screen.page.getByRole('button', { name: 'Sign in instead' }).click();
    await title(screen.page, 'Sign in');
    await screen.close();
  });

  it('a password that is wrong says so without saying which of the two was, and one that is right signs in', async () => {
    await screens.with('/', { expected: [/401 .*\/v1\/sign-in/] }, async (page) => {
      await title(page, 'Sign in');
      await expectGoodLooks(page);
      await page.getByLabel('User name').fill('bob');
      await page.getByLabel('Password').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('do not belong together').waitFor();
      await page.getByLabel('Password').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await title(page, 'Names');
      await page.getByRole('button', { name: 'bob' }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await title(page, 'Sign in');
    });
  });

  it('signs out without a request that the ended session refuses, also if the reply is late', async () => {
    await screens.with('/', { user: 'bob' }, async (page) => {
      const stream = page.waitForResponse(/v1\/stream/);
      await page.reload();
      await stream;
      // The server ends the stream with the session; the reply comes half a second after that.
      await page.evaluate(() => {
        const { fetch } = window;
        window.fetch = async (input, init) => {
          const response = await fetch(input, init);
          if (init?.method === 'DELETE') await new Promise((done) => setTimeout(done, 500));
          return response;
        };
      });
      await page.getByRole('button', { name: 'bob' }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await title(page, 'Sign in');
    });
  });

  it('a link signs in once', async () => {
    const { url } = await screens.lab.operate('createLink', { user: 'alice' });
    const screen = await screens.open('/', { expected: [/\/v1\/sign-in/] });
    await screen.page.goto('about:blank');
    await screen.page.goto(place(url));
    await title(screen.page, 'Names');
    expect(screen.page.url()).not.toContain('link=');
    await screen.page.goto('about:blank');
    await screen.page.goto(place(url));
    await title(screen.page, 'This link is not valid any more');
    await screen.close();
  });

  it('asks for the code of a second step', async () => {
    const headers = await screens.lab.signIn('bob');
    const { secret } = JSON.parse((await screens.lab.send('startTotp', {}, undefined, { headers })).body) as {
      secret: string;
    };
    const confirmed = await screens.lab.send('confirmTotp', { code: totp(secret, -1) }, undefined, { headers });
    expect(confirmed.status).toBe(200);
    await screens.with('/', { expected: [/401 .*\/v1\/sign-in/] }, async (page) => {
      await title(page, 'Sign in');
      await page.getByLabel('User name').fill('bob');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await title(page, 'Enter the code');
      await expectGoodLooks(page);
      await page.getByLabel('Code').fill('000000');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      await page.getByLabel('Code').fill(totp(secret, 0));
      await page.keyboard.press('Enter');
      await title(page, 'Names');
    });
  });

  it('says that the sign-in by another provider did not work', async () => {
    await screens.with('/', {}, async (page) => {
      await title(page, 'Sign in');
      await page.evaluate(() => {
        window.location.hash = '#sign-in-failed=not-permitted';
      });
      await page.getByRole('alert').getByText('Your account there may not sign in here').waitFor();
      expect(page.url()).not.toContain('failed');
    });
  });

  it('a session that ends under an open page leads to the sign-in screen', async () => {
    await screens.with('/', { user: 'alice', expected: [/ 401 /] }, async (page) => {
      await title(page, 'Names');
      const headers = {
        Cookie: (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; '),
      };
      const answer = await screens.lab.send('signOut', {}, undefined, { headers: { ...screens.lab.page, ...headers } });
      expect(answer.status).toBe(200);
      await page.getByText('Your session has ended').waitFor({ timeout: 30_000 });
    });
  });
});

/** RFC 6238 with the usual parameters. @param step 0: now */
function totp(secret: string, step: number): string {
  const bits = [...secret.replace(/=+$/, '')]
    .map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = mac[19]! & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The frame of the screens: navigation, keyboard, theme, and what it does when the server is away. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, expectGoodLooks, type Screens, startScreens } from './screens.ts';

describeInBrowser('the shell', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('alice', 'admin');
    await screens.lab.user('bob');
  });
  afterAll(() => screens?.stop());

  it('looks good at each width, in light and dark', async () => {
    await screens.with('/', { user: 'alice' }, async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expectGoodLooks(page);
    });
  });

  it('begins for the keyboard with a link past the navigation', async () => {
    await screens.with('/', { user: 'alice' }, async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    });
  });

  it('moves the focus to the title of a screen that is opened, which is also the title of the page', async () => {
    await screens.with('/', { user: 'bob' }, async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.evaluate(() => {
        window.location.hash = '#/account';
      });
      const heading = page.getByRole('heading', { level: 1, name: 'Your account' });
      await heading.waitFor();
      expect(await heading.evaluate((element) => element === document.activeElement)).toBe(true);
      expect(await page.title()).toBe('Your account · dyndns');
    });
  });

  it('has a menu that closes with Escape and remembers the colours', async () => {
    await screens.with('/', { user: 'bob' }, async (page) => {
      const opener = page.getByRole('button', { name: 'bob' });
      await opener.click();
      await page.getByRole('radio', { name: 'Dark' }).check();
      const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
      expect(await theme()).toBe('dark');
      await page.keyboard.press('Escape');
      expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true);
      expect(await page.getByRole('radio', { name: 'Dark' }).count()).toBe(0);
      await page.reload();
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await theme()).toBe('dark');
    });
  });

  it('says what to do for a screen that does not exist', async () => {
    await screens.with('/no/such', { user: 'bob' }, async (page) => {
      await page.getByRole('link', { name: 'Go to your names' }).click();
      await page.getByRole('heading', { level: 1, name: 'Names' }).waitFor();
    });
  });

  it('works below any path', async () => {
    const proxy = await startPrefixProxy('/deep/path', screens.lab.server.dyndns.port);
    try {
      await screens.with('/', { user: 'bob' }, async (page) => {
        await page.goto(`http://127.0.0.1:${proxy.port}/deep/path/ui/#/account`);
        await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
      });
    } finally {
      proxy.close();
    }
  });
});

/** Serves the server at `port` below a path, and nothing else. */
async function startPrefixProxy(prefix: string, port: number): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((incoming, reply) => {
    const { method, headers, url = '' } = incoming;
    if (!url.startsWith(`${prefix}/`)) {
      reply.writeHead(404).end();
      return;
    }
    const outgoing = request({ host: '127.0.0.1', port, method, headers, path: url.slice(prefix.length) }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(reply);
    });
    outgoing.on('error', () => reply.destroy());
    reply.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a browser loads before it shows the first screen: at most 60 KiB, compressed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, type Screens, startScreens } from './screens.ts';

const MOST_OCTETS = 60 * 1024;

describeInBrowser('the first load', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('alice', 'admin');
  });
  afterAll(() => screens?.stop());

  it('of the first screen is at most 60 KiB with gzip, without the data', async () => {
    const sizes = new Map<string, number>();
    const screen = await screens.open('/', {
      user: 'alice',
      prepare: async (context) => {
        context.on('response', (response) => {
          if (response.url().includes('/ui/')) sizes.set(response.url(), -1);
        });
      },
    });
    await screen.page.getByRole('heading', { level: 1 }).waitFor();
    await screen.page.waitForLoadState('networkidle').catch(() => undefined);
    await screen.close();
    for (const url of sizes.keys()) {
      const { headers } = await screens.lab.server.dyndns.ask(new URL(url).pathname, {
        headers: { 'Accept-Encoding': 'gzip' },
      });
      sizes.set(url, Number(headers['content-length']));
    }
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    expect([...sizes.keys()].length).toBeGreaterThan(3);
    expect(total).toBeLessThanOrEqual(MOST_OCTETS);
    expect(total).toBeGreaterThan(10_000);
  });
});

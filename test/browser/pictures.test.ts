/**
 * Pictures of the screens, light and dark, at 360 and 1,280 px, with fixed data. They go to a temporary folder; with
 * `DYNDNS_PICTURES=docs/images` to that of the documents (`DYNDNS_PICTURES_OF=overview` only those of one screen, `…_WIDTHS=768`
 * other widths).
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDirectory } from '../support/primary-server.ts';
import { type Replies, useSampleData } from './sample-data.ts';
import { describeInBrowser, openScreen, type Screens, startScreens, THEMES } from './screens.ts';

interface Picture {
  readonly name: string;
  /** The screen: `/tokens`. */
  readonly path: string;
  readonly replies?: Replies;
  /** Makes it show what the picture is to show. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

const PICTURES: readonly Picture[] = [
  { name: 'overview', path: '/' },
  { name: 'connect-name', path: '/connect' },
  { name: 'connect-device', path: '/connect/home.dyn.example.com' },
  {
    name: 'connect-settings',
    path: '/connect/home.dyn.example.com/fritzbox',
    prepare: async (page) => {
      await page.getByLabel('Address of this server').fill('https://dyndns.example.com');
      await page.getByRole('button', { name: 'Make the token' }).click();
      await page.getByText('Update URL', { exact: true }).first().waitFor();
    },
  },
  { name: 'tokens', path: '/tokens' },
  { name: 'live', path: '/live' },
  { name: 'users', path: '/users' },
  { name: 'audit', path: '/audit' },
  { name: 'server', path: '/server' },
  { name: 'account', path: '/account' },
];

const {
  DYNDNS_PICTURES: wanted,
  DYNDNS_PICTURES_OF: only,
  DYNDNS_PICTURES_WIDTHS: widthList = '360,1280',
} = process.env;
const ALL_AT_MOST = 3_000_000;

describeInBrowser('pictures of the screens', () => {
  let screens: Screens;
  let folder: string;
  let total = 0;

  beforeAll(async () => {
    screens = await startScreens();
    folder = wanted === undefined ? freshDirectory('pictures') : resolve(wanted);
    mkdirSync(folder, { recursive: true });
  });
  afterAll(async () => {
    await screens?.stop();
    if (wanted === undefined && folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, path, replies, prepare } of PICTURES.filter((one) => only === undefined || one.name === only)) {
    it(name, { timeout: 60_000 }, async () => {
      const screen = await openScreen(screens.browser, `${screens.url}#${path}`, {
        prepare: (context) => useSampleData(context, replies),
      });
      const { page } = screen;
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      await prepare?.(page);
      for (const width of widthList.split(',').map(Number)) {
        await page.setViewportSize({ width, height: width < 600 ? 780 : 800 });
        for (const theme of THEMES) {
          await page.emulateMedia({ colorScheme: theme });
          await page.evaluate(() => document.fonts.ready);
          const file = join(folder, `${name}-${theme}-${width}.png`);
          writeFileSync(file, await page.screenshot({ animations: 'disabled', caret: 'hide' }));
          total += statSync(file).size;
        }
      }
      await screen.close();
    });
  }

  it('are at most 3 MB', () => {
    if (only === undefined && wanted !== undefined) expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(ALL_AT_MOST);
  });
});

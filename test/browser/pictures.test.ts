/**
 * Pictures of the screens, light and dark, at 360 and 1,280 px, with fixed data. They go to a temporary folder; with
 * `DYNDNS_PICTURES=docs/images` to that of the documents (`DYNDNS_PICTURES_OF=overview` only those of one screen, `…_WIDTHS=768`
 * other widths,
 * `…_FORMAT=png` another format).
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDirectory } from '../support/primary-server.ts';
import {
  NAME_REPLIES,
  NOW,
  type Replies,
  SETUP_ADMINISTRATOR,
  SETUP_ZONE,
  SIGNED_OUT,
  setupReplies,
  useSampleData,
} from './sample-data.ts';
import { describeInBrowser, openScreen, type Screen, type Screens, startScreens, THEMES } from './screens.ts';

interface Picture {
  readonly name: string;
  /** The screen: `/tokens`. */
  readonly path: string;
  readonly replies?: Replies;
  /** Makes it show what the picture is to show. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

const PICTURES: readonly Picture[] = [
  { name: 'sign-in', path: '/sign-in', replies: SIGNED_OUT },
  { name: 'setup-administrator', path: '/setup', replies: setupReplies({}) },
  {
    name: 'setup-zone',
    path: '/setup',
    replies: setupReplies({ administrator: SETUP_ADMINISTRATOR }),
  },
  {
    name: 'setup-network',
    path: '/setup',
    replies: setupReplies({ administrator: SETUP_ADMINISTRATOR, zone: SETUP_ZONE }),
  },
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
  { name: 'configuration', path: '/configuration' },
  { name: 'server', path: '/server' },
  { name: 'account', path: '/account' },
  { name: 'host', path: '/hosts/home.dyn.example.com', replies: NAME_REPLIES },
  {
    name: 'site',
    path: '/hosts/home.dyn.example.com/site',
    replies: NAME_REPLIES,
    prepare: async (page) => {
      await page.getByLabel('New prefix').fill('2001:db8:77:3400::/56');
      await page.getByRole('button', { name: 'Preview' }).click();
      await page.getByRole('button', { name: 'Move all of them' }).waitFor();
      await page.evaluate(() => window.scrollTo(0, 0));
    },
  },
  { name: 'zones', path: '/zones', replies: NAME_REPLIES },
  { name: 'zone-records', path: '/zones/dyn.example.com.', replies: NAME_REPLIES },
  { name: 'zone-secondaries', path: '/zones/dyn.example.com.?tab=secondaries', replies: NAME_REPLIES },
  {
    name: 'zone-delegation',
    path: '/zones/dyn.example.com.?tab=delegation',
    replies: NAME_REPLIES,
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Check now' }).click();
      await page.getByText('Something is wrong').waitFor();
    },
  },
];

const {
  DYNDNS_PICTURES: wanted,
  DYNDNS_PICTURES_OF: only,
  DYNDNS_PICTURES_WIDTHS: widthList = '360,1280',
  DYNDNS_PICTURES_FORMAT: format,
} = process.env;
const ALL_AT_MOST = 3_000_000;

/** Runs in the page, in place of a connection: a stream that sends two minutes of updates at once. */
function sendRates(nowMs: number): void {
  class Stream extends EventTarget {
    readonly readyState = 1;
    constructor() {
      super();
      setTimeout(() => {
        this.dispatchEvent(new Event('open'));
        for (let second = 119; second >= 0; second -= 1) {
          const wave = Math.sin(second / 9) + Math.sin(second / 4.3) + 2;
          const data = JSON.stringify({
            time: new Date(nowMs - second * 1000).toISOString(),
            changed: Math.round(wave * 2),
            unchanged: Math.round(wave * 3 + ((second * 7) % 5)),
            refused: second % 31 === 3 ? 4 : 0,
            failed: 0,
            events: 'all',
          });
          this.dispatchEvent(new MessageEvent('rate', { data }));
        }
      });
    }
    close(): void {}
  }
  Object.assign(window, { EventSource: Stream });
}

/** WebP is a quarter of a PNG; not every viewer shows it. */
const FORMAT = format === 'png' ? 'png' : 'webp';

async function takePicture(page: Page): Promise<Buffer> {
  const debug = await page.context().newCDPSession(page);
  const quality = FORMAT === 'webp' ? { quality: 85 } : {};
  const { data } = await debug.send('Page.captureScreenshot', { format: FORMAT, ...quality });
  await debug.detach();
  return Buffer.from(data, 'base64');
}

describeInBrowser('pictures of the screens', () => {
  let screens: Screens;
  let screen: Screen;
  let folder: string;
  let total = 0;
  /** Of the picture that is being made. */
  let replies: Replies = {};

  beforeAll(async () => {
    screens = await startScreens();
    folder = wanted === undefined ? freshDirectory('pictures') : resolve(wanted);
    mkdirSync(folder, { recursive: true });
    screen = await openScreen(screens.browser, `${screens.url}#/none`, {
      prepare: async (context) => {
        await useSampleData(context, () => replies);
        // In place of the stream without events.
        await context.addInitScript(sendRates, NOW);
      },
    });
  });
  afterAll(async () => {
    await screen?.close();
    await screens?.stop();
    if (wanted === undefined && folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  for (const picture of PICTURES.filter(({ name }) => only === undefined || name === only)) {
    it(picture.name, async () => {
      const { page } = screen;
      replies = picture.replies ?? {};
      await page.evaluate((path) => {
        window.location.hash = `#${path}`;
      }, picture.path);
      // The replies may be those of another state: signed out, or not set up.
      await page.reload();
      await page.locator('main:not(:has(.skeleton)) h1').waitFor();
      await page.evaluate(() => {
        (document.activeElement as HTMLElement | null)?.blur();
        window.scrollTo(0, 0);
      });
      await picture.prepare?.(page);
      for (const width of widthList.split(',').map(Number)) {
        await page.setViewportSize({ width, height: width < 600 ? 780 : 800 });
        for (const theme of THEMES) {
          await page.emulateMedia({ colorScheme: theme });
          const file = join(folder, `${picture.name}-${theme}-${width}.${FORMAT}`);
          writeFileSync(file, await takePicture(page));
          total += statSync(file).size;
        }
      }
    });
  }

  it('are at most 3 MB', () => {
    if (only === undefined && FORMAT === 'webp') expect(total).toBeLessThanOrEqual(ALL_AT_MOST);
    expect(total).toBeGreaterThan(0);
  });
});

/**
 * The screens in a real browser, in front of a real server: opens pages as a user, fails at any console error or violation of the
 * Content Security Policy, shows a page at each width in light and dark, and checks it with axe.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { type ApiLab, startApiLab } from '../support/api-lab.ts';
import type { EmbeddedOptions } from '../support/embedded-server.ts';
import { describeUnless } from '../support/require-server.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const WIDTHS = [360, 768, 1280] as const;
export const THEMES = ['light', 'dark'] as const;

/** A vitest `describe` for tests that need a browser. Without one it is a reported skip, and a failure where CI is set. */
export function describeInBrowser(title: string, fn: () => void): void {
  const advice = 'chromium-headless-shell not found: apt-get install -y chromium-headless-shell';
  describeUnless(inject('browserEndpoint') === '' ? advice : undefined, 'has the browser it needs', title, fn);
}

export interface OpenOptions {
  /** Who is signed in, by a one-time link. Absent: no one is. */
  readonly user?: string | undefined;
  readonly width?: number;
  readonly theme?: (typeof THEMES)[number];
  readonly isMotionReduced?: boolean;
  /** Texts of console errors that belong to the test: a reply 404 is one for the browser. */
  readonly expected?: readonly RegExp[];
  /** Called before the page is loaded. */
  readonly prepare?: (context: BrowserContext) => Promise<unknown>;
}

export interface Screen {
  readonly page: Page;
  /** Console errors and violations until now. */
  problems(): readonly string[];
  close(): Promise<void>;
}

export interface Screens {
  readonly lab: ApiLab;
  readonly browser: Browser;
  /** `http://127.0.0.1:PORT/ui/`. */
  readonly url: string;
  /** Opens a screen: `/tokens`. The test fails at its end if the page had a problem. */
  open(path: string, options?: OpenOptions): Promise<Screen>;
  /** Opens a screen, works with it, and closes it. */
  with<Result>(path: string, options: OpenOptions, work: (page: Page) => Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

/** Connects to the browser of the run, and starts a server. */
export async function startScreens(options: Partial<EmbeddedOptions> = {}): Promise<Screens> {
  const [browser, lab] = await Promise.all([chromium.connect(inject('browserEndpoint')), startApiLab(options)]);
  const url = `http://127.0.0.1:${lab.server.dyndns.port}/ui/`;
  const cookies = new Map<string, Promise<string>>();
  const cookieOf = (user: string) => {
    // Each user signs in once.
    if (!cookies.has(user))
      cookies.set(
        user,
        lab.signIn(user).then(({ Cookie = '' }) => Cookie),
      );
    return cookies.get(user)!;
  };
  const open = async (path: string, { user, ...more }: OpenOptions = {}) =>
    openScreen(browser, `${url}#${path}`, { ...more, ...(user !== undefined && { cookie: await cookieOf(user) }) });
  return {
    lab,
    browser,
    url,
    open,
    async with(path, more, work) {
      const screen = await open(path, more);
      try {
        return await work(screen.page);
      } finally {
        await screen.close();
      }
    },
    async stop() {
      await browser.close();
      await lab.stop();
    },
  };
}

/** @param cookie `NAME=VALUE` of a session */
export async function openScreen(
  browser: Browser,
  url: string,
  {
    cookie,
    width = 1280,
    theme = 'light',
    isMotionReduced = true,
    expected = [],
    prepare,
  }: Omit<OpenOptions, 'user'> & { readonly cookie?: string } = {},
): Promise<Screen> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: theme,
    reducedMotion: isMotionReduced ? 'reduce' : 'no-preference',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(30_000);
  const problems: string[] = [];
  const note = (text: string) => {
    if (!expected.some((pattern) => pattern.test(text))) problems.push(text);
  };
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') note(`${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => note(`${error.stack ?? error.message}`));
  await page.exposeFunction('noteViolation', (text: string) => note(`Content Security Policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      void (window as unknown as { noteViolation(text: string): void }).noteViolation(
        `${violatedDirective} ${blockedURI}`,
      );
    });
  });
  if (cookie !== undefined) {
    const [name = '', value = ''] = cookie.split('=', 2);
    await context.addCookies([{ name, value, url: new URL('/', url).href, httpOnly: true, sameSite: 'Strict' }]);
  }
  await prepare?.(context);
  await page.goto(url);
  return {
    page,
    problems: () => problems,
    async close() {
      await context.close();
      expect(problems).toEqual([]);
    },
  };
}

/** Shows the page at each width, in light and dark: nothing may be cut off or need scrolling sideways, and axe finds nothing. */
export async function expectGoodLooks(page: Page, each?: (look: string) => Promise<unknown>): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      const look = `${width}-${colorScheme}`;
      await each?.(look);
      const { scrollWidth, innerWidth } = await page.evaluate(() => ({
        scrollWidth: document.documentElement.scrollWidth,
        innerWidth: window.innerWidth,
      }));
      expect([look, scrollWidth <= innerWidth]).toEqual([look, true]);
      // Contrast depends on the colours, and what there is on the width: two corners have all of both.
      if (width !== 768 && (width === 360) === (colorScheme === 'dark'))
        expect([look, await axe(page)]).toEqual([look, []]);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Violations, each with its rule and places. The page's policy does not apply to what the browser's debugger evaluates. */
export async function axe(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => {
    const { axe: runner } = window as unknown as {
      axe: { run(where: Document, options: object): Promise<AxeResults> };
    };
    return runner.run(document, {
      resultTypes: ['violations'],
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
  });
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  );
}

/** What the keyboard reaches, in order: role and name of each element that gets the focus by Tab. @param count at most */
export async function tabStops(page: Page, count: number): Promise<readonly string[]> {
  const stops: string[] = [];
  for (let at = 0; at < count; at += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (element === null || element === document.body) return undefined;
      return (element.getAttribute('aria-label') ?? element.textContent ?? '').trim() || element.tagName;
    });
    if (stop === undefined) break;
    stops.push(stop);
  }
  return stops;
}

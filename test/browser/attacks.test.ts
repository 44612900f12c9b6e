/**
 * Pages of attackers in a real browser, where a user is signed in: another port, another site, and a sibling name whose pages may set
 * cookies for the server's name. They change nothing, read nothing, and sign no one in. What a test of requests alone cannot show is
 * what the browser itself sends: cookies by their rules, Origin and Sec-Fetch-Site.
 */
import { writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type ApiLab, linkSecret, startApiLab } from '../support/api-lab.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificateOf } from '../support/own-certificate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { findProgram } from '../support/programs.ts';
import { describeInBrowser } from './screens.ts';

const OWN_NAME = 'dyndns.victim.test';
const SIBLING = 'evil.victim.test';
const STRANGER = 'evil.attack.test';

/** A server, as a browser and as the operator see it. */
interface Target {
  readonly lab: ApiLab;
  /** Without a slash at the end. */
  readonly origin: string;
}

describeInBrowser('an attacker', () => {
  let browser: Browser;
  let directory: string;
  /** Without `admin.url`; with one over http; with one over https. */
  let loopback: Target;
  let plain: Target;
  let secure: Target;
  const servers: Server[] = [];
  let httpPort: number;
  let tlsPort: number;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    directory = freshDirectory('attacks');
    const { key, chain } = await makeCertificateOf([OWN_NAME, SIBLING, STRANGER], 1, 30);
    const files = { certificate: join(directory, 'chain.pem'), key: join(directory, 'key.pem') };
    writeFileSync(files.certificate, chain);
    writeFileSync(files.key, key, { mode: 0o600 });
    const serve = async (server: Server) => {
      server.on('request', (_request, response) => {
        response.setHeader('Content-Type', 'text/html');
        response.end('<!doctype html><title>a page of the attacker</title>');
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    };
    const start = async (scheme: 'http' | 'https'): Promise<Target> => {
      const port = await freePort();
      const origin = `${scheme}://${OWN_NAME}:${port}`;
      const listen = scheme === 'https' ? [`https://127.0.0.1:${port}`] : [`127.0.0.1:${port}`];
      const http = { listen, ...(scheme === 'https' && { tls: files }) };
      return { lab: await startApiLab({ config: { http, admin: { enabled: true, url: origin } } }), origin };
    };
    httpPort = await serve(createHttpServer());
    tlsPort = await serve(createTlsServer({ key, cert: chain }) as Server);
    browser = await chromium.launch({
      executablePath: findProgram('chromium-headless-shell')!,
      args: ['--no-sandbox', '--host-resolver-rules=MAP *.victim.test 127.0.0.1,MAP *.attack.test 127.0.0.1'],
    });
    // One after the other: each start needs a processor.
    const lab = await startApiLab();
    loopback = { lab, origin: `http://127.0.0.1:${lab.server.dyndns.port}` };
    plain = await start('http');
    secure = await start('https');
    for (const { lab: one } of [loopback, plain, secure]) {
      await one.operate('createUser', { name: 'alice', role: 'admin' });
      await one.operate('createUser', { name: 'mallory' });
    }
  }, 120_000);
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await Promise.all([loopback, plain, secure].map((target) => target?.lab.stop()));
    if (directory !== undefined) removeNow(directory);
  });

  async function newContext(options: { readonly javaScriptEnabled?: boolean } = {}): Promise<BrowserContext> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    context.setDefaultTimeout(20_000);
    contexts.push(context);
    return context;
  }

  const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
  const linkOf = async ({ lab }: Target, user: string) => linkSecret((await lab.operate('createLink', { user })).url);
  const shownUser = (page: Page, user: string) => page.getByRole('button', { name: user, exact: true }).waitFor();

  /** A browser in which a user is signed in, by a link. */
  async function signedIn(target: Target, user = 'alice'): Promise<Page> {
    const page = await (await newContext()).newPage();
    await page.goto(`${target.origin}/ui/#link=${await linkOf(target, user)}`);
    await title(page, 'Names');
    return page;
  }

  /** What an attack wants to change. */
  async function stateOf({ lab }: Target): Promise<unknown> {
    const [keys, others, users, sessions, invitations, hosts] = await Promise.all([
      lab.operate('listKeys', { user: 'alice' }),
      lab.operate('listKeys', { user: 'mallory' }),
      lab.operate('listUsers', {}),
      lab.operate('listSessions', { user: 'alice' }),
      lab.operate('listInvitations', {}),
      lab.operate('listHosts', {}),
    ]);
    return { keys, others, users, sessions: sessions.sessions.map(({ id }) => id), invitations, hosts };
  }

  /** What the server logged of requests with this status, since then. */
  function refusals({ lab }: Target, status: number): number {
    return lab.server.dyndns.log().filter((line) => JSON.stringify(line).includes(`"status":${status}`)).length;
  }

  /** Opens a page of the attacker in the browser of a user. */
  async function pageOf(victim: Page, origin: string): Promise<Page> {
    const page = await victim.context().newPage();
    await page.goto(`${origin}/`);
    return page;
  }

  /** In a page of the attacker: everything that a script may send. @returns what it could read */
  function sendAll(page: Page, origin: string): Promise<readonly string[]> {
    return page.evaluate(async (target) => {
      const read: string[] = [];
      const requests: [string, string, object?][] = [
        ['GET', '/v1/me'],
        ['GET', '/v1/users'],
        ['GET', '/v1/stream'],
        ['POST', '/v1/me/keys', { name: 'stolen' }],
        ['POST', '/v1/users', { name: 'mine', role: 'admin' }],
        ['POST', '/v1/invitations', {}],
        ['POST', '/v1/hosts', { host: 'stolen.dyn.example.com' }],
        ['PATCH', '/v1/users/mallory', { role: 'admin' }],
        ['DELETE', '/v1/users/alice'],
        ['DELETE', '/v1/sign-in'],
      ];
      for (const [method, path, body] of requests) {
        for (const mode of ['cors', 'no-cors'] as const) {
          for (const type of ['application/json', 'text/plain']) {
            const init: RequestInit = { method, mode, credentials: 'include' };
            if (body !== undefined)
              Object.assign(init, { body: JSON.stringify(body), headers: { 'Content-Type': type } });
            try {
              const response = await fetch(`${target}${path}`, init);
              if (response.type !== 'opaque')
                read.push(`${method} ${path}: ${response.status} ${await response.text()}`);
            } catch {
              // The browser did not send it, or does not show the reply.
            }
          }
        }
      }
      navigator.sendBeacon(`${target}/v1/me/keys`, new Blob(['{"name":"stolen"}'], { type: 'text/plain' }));
      await new Promise<void>((resolve) => {
        const script = document.createElement('script');
        script.src = `${target}/v1/me`;
        script.onload = () => {
          read.push('a script');
          resolve();
        };
        script.onerror = () => resolve();
        document.head.append(script);
      });
      return read;
    }, origin);
  }

  /** A form whose octets are a JSON document. @returns when the browser shows the reply */
  async function sendForm(page: Page, url: string, json: string): Promise<void> {
    const answered = page.waitForResponse((response) => response.url() === url);
    await page.evaluate(
      ([action, text]) => {
        const form = document.createElement('form');
        Object.assign(form, { action, method: 'post', enctype: 'text/plain' });
        const field = document.createElement('input');
        // The browser puts `=` between name and value.
        field.name = text!.replace(/\}$/, ',"ignored":"');
        field.value = '"}';
        form.append(field);
        document.body.append(form);
        form.submit();
      },
      [url, json] as const,
    );
    expect([url, (await answered).status()]).toEqual([url, 403]);
  }

  const ATTACKS: readonly (readonly [string, () => Target, () => string])[] = [
    ['another port of 127.0.0.1', () => loopback, () => `http://127.0.0.1:${httpPort}`],
    ['another site, at a server without admin.url', () => loopback, () => `http://${STRANGER}:${httpPort}`],
    ['a sibling name over http', () => plain, () => `http://${SIBLING}:${httpPort}`],
    ['a sibling name over https', () => secure, () => `https://${SIBLING}:${tlsPort}`],
    ['another site over https', () => secure, () => `https://${STRANGER}:${tlsPort}`],
    ['the same name at another port over https', () => secure, () => `https://${OWN_NAME}:${tlsPort}`],
  ];

  it.each(ATTACKS)(
    'at %s changes nothing with the cookies of the browser, and reads nothing',
    {
      timeout: 60_000,
    },
    async (_, getTarget, getOrigin) => {
      const [target, attacker] = [getTarget(), getOrigin()];
      const victim = await signedIn(target);
      const before = await stateOf(target);
      const refused = refusals(target, 403);
      const page = await pageOf(victim, attacker);
      expect(await sendAll(page, target.origin)).toEqual([]);
      // They did arrive.
      expect(refusals(target, 403)).toBeGreaterThan(refused);
      for (const [path, json] of [
        ['/v1/me/keys', '{"name":"stolen"}'],
        ['/v1/users', '{"name":"mine","role":"admin"}'],
      ] as const) {
        await sendForm(await pageOf(victim, attacker), `${target.origin}${path}`, json);
      }
      expect(await stateOf(target)).toEqual(before);
      // The user is still signed in, and may still do it.
      await victim.reload();
      await shownUser(victim, 'alice');
    },
  );

  it.each(ATTACKS)('at %s cannot sign a browser in to an account of its own', async (_, getTarget, getOrigin) => {
    const [target, attacker] = [getTarget(), getOrigin()];
    const victim = await (await newContext()).newPage();
    await victim.goto(`${target.origin}/ui/`);
    await title(victim, 'Sign in');
    const link = await linkOf(target, 'mallory');
    const body = JSON.stringify({ link });
    const page = await pageOf(victim, attacker);
    await page.evaluate(
      async ([url, text]) => {
        for (const type of ['text/plain', 'application/json']) {
          const init = { method: 'POST', body: text!, headers: { 'Content-Type': type } };
          for (const mode of ['cors', 'no-cors'] as const) {
            await fetch(url!, { ...init, mode, credentials: 'include' }).catch(() => undefined);
          }
        }
      },
      [`${target.origin}/v1/sign-in`, body] as const,
    );
    await sendForm(page, `${target.origin}/v1/sign-in`, body);
    const named = (await victim.context().cookies()).map(({ name }) => name);
    expect(named.filter((name) => name.includes('dyndns'))).toEqual([]);
    await victim.reload();
    await title(victim, 'Sign in');
    // It was not used up.
    await victim.goto('about:blank');
    await victim.goto(`${target.origin}/ui/#link=${link}`);
    await shownUser(victim, 'mallory');
  });

  it('with a name that leads to the server gets no page of it and no reply', async () => {
    const port = new URL(loopback.origin).port;
    const rebound = `http://${STRANGER}:${port}`;
    const victim = await signedIn(loopback);
    const link = await linkOf(loopback, 'alice');
    const before = await stateOf(loopback);
    const page = await victim.context().newPage();
    for (const path of ['/ui/', '/ui/index.html', '/']) {
      expect([path, (await page.goto(`${rebound}${path}`))?.status()]).toEqual([path, 421]);
    }
    // A page of the server's own at that name: addresses are told to everyone.
    expect((await page.goto(`${rebound}/myip`))?.status()).toBe(200);
    const statuses = await page.evaluate(async (secret) => {
      const send = async (path: string, body?: object) => {
        const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
        return (await fetch(path, { ...init, headers: { 'Content-Type': 'application/json' } })).status;
      };
      return [
        await send('/v1/sign-in'),
        await send('/v1/me'),
        await send('/v1/sign-in', { link: secret }),
        await send('/v1/me/keys', { name: 'stolen' }),
        await send('/v1/invitations:show', { link: secret }),
      ];
    }, link);
    expect(statuses).toEqual([421, 421, 421, 421, 421]);
    expect(await stateOf(loopback)).toEqual(before);
    // The other servers have one name, and are reached by this one, too.
    for (const { origin } of [plain, secure]) {
      const { port: other, protocol } = new URL(origin);
      for (const name of [STRANGER, SIBLING, '127.0.0.1', 'localhost']) {
        expect([name, (await page.goto(`${protocol}//${name}:${other}/ui/`))?.status()]).toEqual([name, 421]);
      }
    }
  });

  /** In a page of a sibling name: sets cookies for all names of the domain. */
  async function toss(victim: Page, origin: string, values: readonly string[]): Promise<void> {
    const page = await pageOf(victim, origin);
    await page.evaluate((texts) => {
      for (const text of texts) {
        for (const path of ['/', '/ui', '/v1', '/v1/me']) {
          // biome-ignore lint/suspicious/noDocumentCookie: the other interface refuses more.
          document.cookie = `${text}; path=${path}`;
        }
      }
    }, values);
    await page.close();
  }

  /** The cookie of a session of mallory. */
  async function ownSession(target: Target): Promise<string> {
    const page = await signedIn(target, 'mallory');
    const cookies = await page.context().cookies(target.origin);
    return cookies.find(({ name }) => /^(?:__Host-dyndns|dyndns_session)$/.test(name))!.value;
  }

  it('at a sibling name cannot put a session of its own in the place of one, over https', async () => {
    const value = await ownSession(secure);
    const tossed = ['__Host-dyndns', 'dyndns_session', '__Secure-dyndns', '__HOST-dyndns'].flatMap((name) => [
      `${name}=${value}; domain=victim.test`,
      `${name}=${value}; domain=victim.test; secure`,
      `${name}=${value}; domain=${OWN_NAME}; secure`,
    ]);
    const victim = await signedIn(secure);
    for (const origin of [`https://${SIBLING}:${tlsPort}`, `http://${SIBLING}:${httpPort}`]) {
      await toss(victim, origin, tossed);
      await victim.reload();
      await shownUser(victim, 'alice');
    }
    const fresh = await (await newContext()).newPage();
    await fresh.goto('about:blank');
    for (const origin of [`https://${SIBLING}:${tlsPort}`, `http://${SIBLING}:${httpPort}`]) {
      await toss(fresh, origin, tossed);
      await fresh.goto(`${secure.origin}/ui/`);
      await title(fresh, 'Sign in');
    }
  });

  it('at a sibling name over http ends a session at the most: two cookies are none', async () => {
    const value = await ownSession(plain);
    const victim = await signedIn(plain);
    await toss(victim, `http://${SIBLING}:${httpPort}`, [`dyndns_session=${value}; domain=victim.test`]);
    const before = await stateOf(plain);
    const made = await victim.evaluate(async () => {
      const headers = { 'Content-Type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify({ name: 'secret of alice' }) };
      const response = await fetch('../v1/me/keys', init);
      return [response.status, await response.text()] as const;
    });
    expect(made).toEqual([401, expect.stringContaining('two cookies')]);
    expect(await stateOf(plain)).toEqual(before);
    await victim.reload();
    await title(victim, 'Sign in');
  });

  it('cannot show the page in a frame', async () => {
    for (const [target, attacker] of [
      [loopback, `http://127.0.0.1:${httpPort}`],
      [loopback, `http://${STRANGER}:${httpPort}`],
      [secure, `https://${SIBLING}:${tlsPort}`],
    ] as const) {
      const victim = await signedIn(target);
      const page = await pageOf(victim, attacker);
      const refused = page.waitForEvent('console', {
        predicate: (message) => message.text().includes('frame-ancestors'),
      });
      await page.evaluate((url) => {
        const frame = document.createElement('iframe');
        frame.src = url;
        document.body.append(frame);
      }, `${target.origin}/ui/`);
      await refused;
      const [frame] = page.frames().filter((one) => one !== page.mainFrame());
      expect(await frame?.locator('#app').count()).toBe(0);
    }
  });

  it('cannot make the sign-in lead anywhere else', { timeout: 60_000 }, async () => {
    const elsewhere = `http://${STRANGER}:${httpPort}/`;
    const bare = elsewhere.replace('http:', '');
    const { hostname } = new URL(elsewhere);
    for (const [query, more] of [
      [`?next=${encodeURIComponent(elsewhere)}`, ''],
      [`?redirect_uri=${encodeURIComponent(bare)}`, `&next=${bare}`],
      ['', `&next=${bare}`],
      ['', `&next=%2F%2F${hostname}`],
      ['', '&next=javascript:alert(1)'],
    ] as const) {
      const page = await (await newContext()).newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('dialog', (dialog) => asked.push(`dialog: ${dialog.message()}`));
      await page.goto(`${loopback.origin}/ui/${query}#link=${await linkOf(loopback, 'alice')}${more}`);
      // A link with something else behind it is not one.
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(asked.filter((url) => !url.startsWith(`${loopback.origin}/`))).toEqual([]);
      expect(new URL(page.url()).origin).toBe(loopback.origin);
      await page.context().close();
    }
    const page = await signedIn(loopback);
    for (const hash of [`#/${bare}`, `#${elsewhere}`, `#//${hostname}`, '#/javascript:alert(1)', `#/hosts/${bare}`]) {
      await page.evaluate((text) => window.location.assign(text), hash);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(new URL(page.url()).origin).toBe(loopback.origin);
      const foreign = await page
        .getByRole('link')
        .evaluateAll(
          (links, own) => links.map((link) => (link as HTMLAnchorElement).href).filter((to) => !to.startsWith(own)),
          loopback.origin,
        );
      expect([hash, foreign]).toEqual([hash, []]);
    }
    // Paths that look like another host, behind which the server redirects.
    for (const path of [`//${hostname}/ui`, `/ui//${hostname}`, `//${hostname}/%2e%2e/ui`, `/ui/..//${hostname}`]) {
      const answer = await loopback.lab.server.dyndns.ask(path, { headers: { Accept: 'text/html' } });
      expect([path, answer.headers.location ?? '']).toEqual([path, expect.not.stringContaining(hostname)]);
    }
  });

  it('who sees a link in a preview does not use it up, and whoever opens it second is not signed in', async () => {
    const url = `${loopback.origin}/ui/#link=${await linkOf(loopback, 'alice')}`;
    const preview = await (await newContext({ javaScriptEnabled: false })).newPage();
    for (let time = 0; time < 3; time += 1) {
      await preview.goto('about:blank');
      await preview.goto(url);
    }
    expect(await preview.context().cookies()).toEqual([]);
    const first = await (await newContext()).newPage();
    await first.goto(url);
    await title(first, 'Names');
    const second = await (await newContext()).newPage();
    await second.goto(url);
    await title(second, 'This link is not valid any more');
    expect(await second.context().cookies()).toEqual([]);
    // The secret is neither in the address bar nor in the history.
    expect(first.url()).not.toContain('link=');
    await first.goBack().catch(() => undefined);
    expect(first.url()).not.toContain('link=');
  });
});

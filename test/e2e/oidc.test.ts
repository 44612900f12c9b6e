/** Signing in by a real OpenID provider: groups decide the role, accounts belong to one user, and codes are bound to the browser. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiLab, startApiLab } from '../support/api-lab.ts';
import { freePort } from '../support/free-port.ts';
import { type OidcServer, startOidcProvider } from '../support/oidc-provider.ts';

let lab: ApiLab;
let provider: OidcServer;
let base: string;
let claim: string;

async function start(groupsClaim: string): Promise<void> {
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  claim = groupsClaim.split('.')[0]!;
  provider = await startOidcProvider(`${base}/ui/oidc/callback`, [claim]);
  lab = await startApiLab({
    config: {
      http: { listen: [`127.0.0.1:${port}`] },
      admin: {
        enabled: true,
        url: base,
        oidc: {
          issuer: provider.issuer,
          client_id: provider.clientId,
          client_secret: provider.clientSecret,
          title: 'Test ID',
          groups_claim: groupsClaim,
          admin_group: 'admins',
          member_group: 'members',
        },
      },
    },
  });
}

/** A browser that follows redirects and keeps cookies by their origin. */
class Browser {
  readonly cookies = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];

  async get(url: string): Promise<Response> {
    for (let at = new URL(url), step = 0; step < 12; step += 1) {
      this.visited.push(at.href);
      const jar = this.cookies.get(at.origin) ?? new Map<string, string>();
      this.cookies.set(at.origin, jar);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(at, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } });
      for (const text of answer.headers.getSetCookie()) {
        const [pair = '', ...attributes] = text.split('; ');
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        const isEnded = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=thu, 01 jan 1970/i.test(one));
        if (isEnded) jar.delete(name);
        else jar.set(name, value);
      }
      const location = answer.headers.get('location');
      if (location === null) return answer;
      at = new URL(location, at);
      await answer.body?.cancel();
    }
    throw new Error(`too many redirects: ${this.visited.join(' ')}`);
  }

  get session(): string | undefined {
    return this.cookies.get(base)?.get('dyndns_session');
  }

  async me(): Promise<Record<string, unknown>> {
    const headers = { cookie: `dyndns_session=${this.session}` };
    return (await (await fetch(`${base}/v1/me`, { headers })).json()) as Record<string, unknown>;
  }

  /** @returns what the page is told, without the `#` */
  async signIn(): Promise<string> {
    await this.get(`${base}/ui/oidc/start`);
    return new URL(this.visited.at(-1)!).hash.slice(1);
  }
}

describe('signing in by OpenID', () => {
  beforeAll(() => start('groups'));
  afterAll(async () => {
    await lab?.stop();
    await provider?.stop();
  });

  const as = (sub: string, fields: object) => {
    provider.account = { sub, ...fields };
  };

  it('is offered by the page, and makes an admin or a member of an account in a group', async () => {
    const ways = await (await fetch(`${base}/v1/sign-in`)).json();
    expect(ways).toMatchObject({ ways: ['link', 'password', 'oidc'], oidcTitle: 'Test ID' });
    as('s-anna', { preferred_username: 'Anna', groups: ['admins', 'members'] });
    const anna = new Browser();
    expect(await anna.signIn()).toBe('');
    expect(new URL(anna.visited.at(-1)!).pathname).toBe('/ui/');
    expect(await anna.me()).toMatchObject({ user: { name: 'anna', role: 'admin' }, session: { method: 'oidc' } });
    as('s-otto', { preferred_username: 'otto', groups: 'members others' });
    const otto = new Browser();
    await otto.signIn();
    expect(await otto.me()).toMatchObject({ user: { name: 'otto', role: 'member' } });
  });

  it('finds the user by issuer and subject, whatever the name is, and follows the groups', async () => {
    as('s-mia', { preferred_username: 'mia', groups: ['members'] });
    await new Browser().signIn();
    as('s-mia', { preferred_username: 'anna', groups: ['admins'] });
    const mia = new Browser();
    await mia.signIn();
    expect(await mia.me()).toMatchObject({ user: { name: 'mia', role: 'admin' } });
  });

  it('never gives an account a user who exists', async () => {
    await lab.operate('createUser', { name: 'root', role: 'admin' });
    as('s-evil', { preferred_username: 'root', groups: ['members'] });
    const evil = new Browser();
    await evil.signIn();
    expect(await evil.me()).toMatchObject({ user: { name: 'root-2', role: 'member' } });
    as('s-odd', { preferred_username: '<b>Ünï</b> operator', groups: ['members'] });
    const odd = new Browser();
    await odd.signIn();
    expect(((await odd.me())['user'] as { name: string }).name).toMatch(/^[a-z0-9][a-z0-9._@+-]*$/);
  });

  it('refuses whoever is in no group, or is disabled', async () => {
    for (const groups of [undefined, [], ['others'], 'adminsx', { x: 1 }, [['admins']]]) {
      as('s-none', { preferred_username: 'none', groups });
      const browser = new Browser();
      expect(await browser.signIn()).toBe('sign-in-failed=not-permitted');
      expect(browser.session).toBeUndefined();
    }
    expect((await lab.operate('listUsers', { search: 'none' })).users).toEqual([]);
    as('s-dora', { preferred_username: 'dora', groups: ['members'] });
    await new Browser().signIn();
    await lab.operate('changeUser', { name: 'dora', enabled: false });
    expect(await new Browser().signIn()).toBe('sign-in-failed=not-permitted');
    const { entries } = await lab.operate('readAudit', { operation: 'signIn', limit: 3 });
    expect(entries[0]).toMatchObject({ user: '', target: 'OpenID account dora', outcome: 'not-permitted' });
  });

  it('binds the code to the browser that began: it is of no use to another one, or a second time', async () => {
    as('s-anna', { preferred_username: 'Anna', groups: ['admins'] });
    const anna = new Browser();
    await anna.signIn();
    const callback = anna.visited.find((url) => url.includes('/ui/oidc/callback'))!;
    const other = new Browser();
    await other.get(callback);
    expect(new URL(other.visited.at(-1)!).hash).toBe('#sign-in-failed=not-authenticated');
    const begun = new Browser();
    const start = await fetch(`${base}/ui/oidc/start`, { redirect: 'manual' });
    const [pair = ''] = start.headers.getSetCookie()[0]!.split(';');
    begun.cookies.set(base, new Map([pair.split(/=(.*)/s) as [string, string]]));
    await begun.get(callback);
    expect(new URL(begun.visited.at(-1)!).hash).toBe('#sign-in-failed=provider');
    expect([other.session, begun.session]).toEqual([undefined, undefined]);
    expect(start.headers.getSetCookie()[0]).toMatch(/HttpOnly; SameSite=Lax; Max-Age=600$/);
  });

  it.each([
    '?next=https://evil.example/',
    '?redirect=//evil.example',
    '?state=x&code=y&return_to=https://evil.example',
  ])('goes to the page and nowhere else: %s', async (query) => {
    for (const path of ['start', 'callback']) {
      const answer = await fetch(`${base}/ui/oidc/${path}${query}`, { redirect: 'manual' });
      const location = new URL(answer.headers.get('location')!, `${base}/ui/oidc/${path}`);
      expect([base, provider.issuer]).toContain(location.origin);
      expect(location.searchParams.get('redirect_uri') ?? `${base}/ui/oidc/callback`).toBe(`${base}/ui/oidc/callback`);
    }
  });

  it('writes no code, token or secret into the log', async () => {
    as('s-anna', { preferred_username: 'Anna', groups: ['admins'] });
    const anna = new Browser();
    await anna.signIn();
    const code = new URL(anna.visited.find((url) => url.includes('code='))!).searchParams.get('code')!;
    const log = lab.server.dyndns.process.output();
    for (const secret of [code, provider.clientSecret, anna.session!]) expect(log).not.toContain(secret);
  });
});

describe('groups in an object below another one', () => {
  beforeEach(() => start('realm_access.roles'));
  afterEach(async () => {
    await lab?.stop();
    await provider?.stop();
  });

  it('are found, and a provider that is away is no 500', async () => {
    provider.account = { sub: 's', preferred_username: 'anna', realm_access: { roles: ['admins'] } };
    const anna = new Browser();
    await anna.signIn();
    expect(await anna.me()).toMatchObject({ user: { role: 'admin' } });
    await provider.stop();
    provider.stop = async () => undefined;
    expect(await new Browser().signIn().catch(() => 'no connection')).toBe('no connection');
  });
});

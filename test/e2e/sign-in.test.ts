/** Signing in with a browser, and the attacks on it: foreign hosts and origins, cookies of others, guesses, links used twice. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OperationName } from '../../src/core/admin/operations.ts';
import { codeAt } from '../../src/core/sign-in/totp.ts';
import { type ApiLab, cookiesOf, linkSecret, startApiLab } from '../support/api-lab.ts';
import { readEvents } from '../support/event-reader.ts';
import type { Answer } from '../support/http-client.ts';
import { waitUntil } from '../support/process.ts';

type Headers = Readonly<Record<string, string>>;

const PASSWORD = 'correct horse battery';
let lab: ApiLab;
let user: string;
let count = 0;

beforeAll(async () => {
  lab = await startApiLab();
});
afterAll(() => lab?.stop());
beforeEach(async () => {
  count += 1;
  user = `user${count}`;
  await lab.operate('createUser', { name: user });
});

const send = (name: OperationName, input: object, headers: Headers = lab.page) =>
  lab.send(name, input, undefined, { headers });
const json = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>;
const newLink = async (name = user) => linkSecret((await lab.operate('createLink', { user: name })).url);

/** A user with a password, signed out. */
async function withPassword(): Promise<void> {
  const headers = await lab.signIn(user);
  expect((await send('changeMyPassword', { password: PASSWORD }, headers)).status).toBe(200);
  expect((await send('signOut', {}, headers)).status).toBe(200);
}

const signIn = (more: object = {}, headers: Headers = lab.page) =>
  send('signIn', { user, password: PASSWORD, ...more }, headers);

describe('a one-time link', () => {
  it('signs in once', async () => {
    const link = await newLink();
    const answer = await send('signIn', { link });
    expect(json(answer)).toMatchObject({ state: 'signed-in', user: { name: user, role: 'member' } });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^dyndns_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const me = await send('showMe', {}, { Cookie: cookiesOf(answer) });
    expect(json(me)).toMatchObject({ user: { name: user }, hasPassword: false, session: { method: 'link' } });
    const again = await send('signIn', { link });
    expect([again.status, again.headers['set-cookie'], json(again)['code']]).toEqual([
      401,
      undefined,
      'not-authenticated',
    ]);
  });

  it('is not used up by a preview, which is a GET of the page', async () => {
    const { url } = await lab.operate('createLink', { user });
    const [page, secret] = url.split('#link=');
    expect(new URL(page!).pathname).toBe('/ui/');
    for (let preview = 0; preview < 3; preview += 1) await fetch(page!);
    expect((await send('signIn', { link: secret })).status).toBe(200);
  });

  it('ends with a newer one, and with its user', async () => {
    const [old, link] = [await newLink(), await newLink()];
    expect((await send('signIn', { link: old })).status).toBe(401);
    await lab.operate('changeUser', { name: user, enabled: false });
    expect((await send('signIn', { link })).status).toBe(401);
  });

  it('cannot be guessed, and its secret is in no reply, log or audit entry', async () => {
    const link = await newLink();
    for (const wrong of ['', 'x', link.slice(1), `${link}x`, link.toUpperCase(), 'a'.repeat(128)]) {
      expect((await send('signIn', { link: wrong })).status).toBe(401);
    }
    expect((await send('signIn', { link: 'a'.repeat(129) })).status).toBe(400);
    expect((await send('signIn', { link })).status).toBe(200);
    const { entries } = await lab.operate('readAudit', { limit: 50 });
    expect(JSON.stringify(entries)).not.toContain(link);
    expect(lab.server.dyndns.process.output()).not.toContain(link);
    expect(entries).toContainEqual(
      expect.objectContaining({ user, operation: 'signIn', outcome: 'done', source: '127.0.0.1' }),
    );
  });
});

describe('a password', () => {
  it('signs in, and wrong ones get the reply of a user who does not exist', async () => {
    await withPassword();
    const right = await signIn();
    expect(json(right)).toMatchObject({ state: 'signed-in', user: { name: user } });
    const wrong = await signIn({ password: 'wrong horse battery' });
    const unknown = await signIn({ user: 'nobody' });
    const { requestId: _one, ...ofWrong } = json(wrong);
    const { requestId: _two, ...ofUnknown } = json(unknown);
    expect([wrong.status, ofWrong]).toEqual([401, ofUnknown]);
    expect(wrong.body).not.toContain('horse');
    await lab.operate('changeUser', { name: user, enabled: false });
    expect((await signIn()).status).toBe(401);
    const { entries } = await lab.operate('readAudit', { operation: 'signIn', limit: 10 });
    expect(entries).toContainEqual(
      expect.objectContaining({ user: '', target: `user ${user}`, outcome: 'not-authenticated' }),
    );
    expect(lab.server.dyndns.process.output()).not.toContain('horse');
  });

  it.each(['', 'short', '123456789', 'a'.repeat(201), 7, null, ['correct horse battery']])(
    'is not %j',
    async (password) => {
      const headers = await lab.signIn(user);
      const answer = await send('changeMyPassword', { password }, headers);
      expect([answer.status, json(answer)['code']]).toEqual([400, 'request-malformed']);
    },
  );

  it('is changed with the one of today, soon after a link without it, and ends the other sessions', async () => {
    await withPassword();
    const [one, other] = [await signIn(), await signIn()].map((answer) => ({ ...lab.page, Cookie: cookiesOf(answer) }));
    expect((await send('changeMyPassword', { password: 'another password' }, one)).status).toBe(400);
    const wrong = await send('changeMyPassword', { password: 'another password', current: 'wrong password' }, one);
    expect(json(wrong)['errors']).toEqual([{ pointer: '/current', detail: 'The current password is wrong.' }]);
    const right = await send('changeMyPassword', { password: 'another password', current: PASSWORD }, one);
    expect(right.status).toBe(200);
    expect((await send('showMe', {}, one)).status).toBe(200);
    expect((await send('showMe', {}, other)).status).toBe(401);
    const byLink = await lab.signIn(user);
    expect((await send('changeMyPassword', { password: PASSWORD }, byLink)).status).toBe(200);
    expect((await signIn()).status).toBe(200);
  });

  it('cannot be guessed more than ten times, while a browser that is known and links still sign in', async () => {
    await withPassword();
    const known = cookiesOf(await signIn());
    const guess = () => signIn({ password: 'wrong horse battery' });
    // Together: an attempt is taken before it is evaluated, and one comes back every 30 seconds.
    const statuses = (await Promise.all(Array.from({ length: 12 }, guess))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([...Array(10).fill(401), 429, 429]);
    const stranger = await signIn();
    expect([stranger.status, Number(stranger.headers['retry-after']) <= 30]).toEqual([429, true]);
    const mark = known.split('; ').find((cookie) => cookie.startsWith('dyndns_known='))!;
    expect((await signIn({}, { ...lab.page, Cookie: mark })).status).toBe(200);
    expect((await signIn({}, { ...lab.page, Cookie: `${mark}x` })).status).toBe(429);
    expect((await send('signIn', { link: await newLink() })).status).toBe(200);
  });

  it('is no management key, and the mark of a browser is no session', async () => {
    await withPassword();
    const cookies = cookiesOf(await signIn());
    const mark = cookies.split('; ').find((cookie) => cookie.startsWith('dyndns_known='))!;
    expect((await send('showMe', {}, { Cookie: mark })).status).toBe(401);
    const basic = Buffer.from(`${user}:${PASSWORD}`).toString('base64');
    expect((await send('showMe', {}, { Authorization: `Basic ${basic}` })).status).toBe(401);
  });
});

describe('a second factor', () => {
  async function withTotp() {
    const headers = await lab.signIn(user);
    await send('changeMyPassword', { password: PASSWORD }, headers);
    const { secret, uri } = json(await send('startTotp', {}, headers)) as { secret: string; uri: string };
    expect(uri).toContain(`secret=${secret}`);
    const step = Math.floor(Date.now() / 30_000);
    expect((await send('confirmTotp', { code: '000000' }, headers)).status).toBe(400);
    const confirmed = await send('confirmTotp', { code: codeAt(secret, step) }, headers);
    const { recoveryCodes } = json(confirmed) as { recoveryCodes: string[] };
    return { headers, secret, step, recoveryCodes };
  }

  it('is asked for after the password, and a code counts once', async () => {
    const { secret, step, headers } = await withTotp();
    const half = await signIn();
    expect([json(half), half.headers['set-cookie']]).toEqual([{ state: 'code-needed' }, undefined]);
    // The code of the confirmation was used.
    expect((await signIn({ code: codeAt(secret, step) })).status).toBe(401);
    const next = codeAt(secret, step + 1);
    const both = await Promise.all([signIn({ code: next }), signIn({ code: next })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect((await signIn({ code: '' })).status).toBe(401);
    expect((await signIn({ password: 'wrong horse battery', code: next })).status).toBe(401);
    expect(json(await send('showMe', {}, headers))).toMatchObject({ hasTotp: true, recoveryCodes: 10 });
  });

  it('has recovery codes, each valid once; an admin can remove it', async () => {
    const { recoveryCodes, headers } = await withTotp();
    const [code, other] = recoveryCodes as [string, string];
    expect((await signIn({ code: code.toUpperCase() })).status).toBe(200);
    expect((await signIn({ code })).status).toBe(401);
    expect((await send('endTotp', { code: '000000' }, headers)).status).toBe(400);
    expect((await send('endTotp', { code: other }, headers)).status).toBe(200);
    expect(json(await signIn())).toMatchObject({ state: 'signed-in' });
    expect((await send('endTotp', { code: other }, headers)).status).toBe(409);
    await withTotp();
    await lab.operate('removeTotp', { user });
    expect(json(await signIn())).toMatchObject({ state: 'signed-in' });
  });

  it('cannot be guessed: wrong codes cost the attempts of the account', async () => {
    await withTotp();
    const guesses = Array.from({ length: 12 }, (_, at) => signIn({ code: String(100_000 + at) }));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([...Array(10).fill(401), 429, 429]);
  });
});

describe('an invitation', () => {
  it('makes a user once, with what the admin decided', async () => {
    const { url, invitation } = await lab.operate('createInvitation', { role: 'member', quotas: { hosts: 3 } });
    const link = linkSecret(url);
    expect(json(await send('showInvitation', { link }))).toMatchObject({ role: 'member', isFirst: false });
    const name = `invited${count}`;
    expect((await send('acceptInvitation', { link, name: user, password: PASSWORD })).status).toBe(409);
    expect((await send('acceptInvitation', { link, name, password: 'short' })).status).toBe(400);
    expect((await send('acceptInvitation', { link, name: 'operator', password: PASSWORD })).status).toBe(400);
    const accepted = await send('acceptInvitation', { link, name, password: PASSWORD });
    expect(json(accepted)).toMatchObject({ user: { name, role: 'member', quotas: { hosts: 3 } } });
    expect((await send('showMe', {}, { Cookie: cookiesOf(accepted) })).status).toBe(200);
    expect((await send('acceptInvitation', { link, name: `${name}x`, password: PASSWORD })).status).toBe(401);
    expect((await send('showInvitation', { link })).status).toBe(401);
    expect((await lab.operate('listInvitations', {})).invitations.map(({ id }) => id)).not.toContain(invitation.id);
  });

  it('may be for one name, and ends when an admin ends it', async () => {
    const named = await lab.operate('createInvitation', { name: `for${count}` });
    const link = linkSecret(named.url);
    expect((await send('acceptInvitation', { link, name: `other${count}` })).status).toBe(400);
    const open = await lab.operate('listInvitations', {});
    expect(open.invitations[0]).toMatchObject({ name: `for${count}`, createdBy: 'operator' });
    await lab.operate('removeInvitation', { id: named.invitation.id });
    expect((await send('acceptInvitation', { link, name: `for${count}` })).status).toBe(401);
    await expect(lab.operate('removeInvitation', { id: named.invitation.id })).rejects.toThrow('404');
    await expect(lab.operate('createInvitation', { name: user })).rejects.toThrow('409');
  });
});

describe('a session', () => {
  it('is listed with its browser, and one that is ended signs out its pages and streams', async () => {
    const one = await lab.signIn(user);
    const other = { ...(await lab.signIn(user)), 'User-Agent': 'Firefox' };
    const stream = await readEvents({ port: lab.server.dyndns.port, path: '/v1/stream', headers: other });
    expect(stream.status).toBe(200);
    const { sessions } = json(await send('listMySessions', {}, one)) as { sessions: Record<string, unknown>[] };
    expect(sessions.map(({ isCurrent, source }) => [isCurrent, source])).toEqual([
      [false, '127.0.0.1'],
      [true, '127.0.0.1'],
    ]);
    const id = sessions[0]!['id'] as string;
    expect((await send('endMySession', { id: 'another' }, one)).status).toBe(404);
    expect((await send('endMySession', { id }, one)).status).toBe(200);
    await waitUntil('the stream to end', () => stream.isEnded(), 3_000);
    expect((await send('showMe', {}, other)).status).toBe(401);
    expect((await send('showMe', {}, one)).status).toBe(200);
  });

  it('of another user is not there', async () => {
    const mine = await lab.signIn(user);
    await lab.operate('createUser', { name: `${user}b` });
    await lab.signIn(`${user}b`);
    const { id } = (await lab.operate('listSessions', { user: `${user}b` })).sessions[0]!;
    expect((await send('endMySession', { id }, mine)).status).toBe(404);
    expect((await lab.operate('listSessions', { user: `${user}b` })).sessions).toHaveLength(1);
  });

  it('ends with its user, and by signing out', async () => {
    const headers = await lab.signIn(user);
    await lab.operate('changeUser', { name: user, enabled: false });
    expect((await send('showMe', {}, headers)).status).toBe(401);
    await lab.operate('changeUser', { name: user, enabled: true });
    const out = await send('signOut', {}, headers);
    expect(out.headers['set-cookie']).toEqual(['dyndns_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0']);
    expect((await send('showMe', {}, headers)).status).toBe(401);
  });

  it('is what the page asks about, without an error where there is none', async () => {
    const headers = await lab.signIn(user);
    expect(json(await send('showSignIn', {}, headers))).toMatchObject({ signedIn: true, hasUsers: true });
    await send('signOut', {}, headers);
    for (const cookie of [
      headers,
      lab.page,
      { Cookie: 'dyndns_session=x' },
      { Cookie: 'dyndns_session=x; dyndns_session=y' },
    ]) {
      const answer = await send('showSignIn', {}, cookie);
      expect([answer.status, json(answer)]).toMatchObject([200, { signedIn: false, hasUsers: true }]);
    }
  });

  it('never is what a guess says', async () => {
    for (const secret of ['x', 'a'.repeat(43), '', '../../etc']) {
      expect((await send('showMe', {}, { Cookie: `dyndns_session=${secret}` })).status).toBe(401);
    }
  });
});

describe('a request of another site', () => {
  const foreign: readonly (readonly [string, (page: Headers) => Headers])[] = [
    ['another Origin', (page) => ({ ...page, Origin: 'http://evil.example' })],
    ['the Origin of another port', (page) => ({ ...page, Origin: 'http://127.0.0.1:1' })],
    ['the Origin of a sibling name', (page) => ({ ...page, Origin: 'http://x.localhost' })],
    ['the Origin null', (page) => ({ ...page, Origin: 'null' })],
    ['no Origin', ({ 'Sec-Fetch-Site': site = '' }) => ({ 'Sec-Fetch-Site': site })],
    ['no Sec-Fetch-Site', ({ Origin = '' }) => ({ Origin })],
    ...['cross-site', 'same-site', 'none', 'Same-Origin ', ''].map(
      (site) => [`Sec-Fetch-Site '${site}'`, (page: Headers) => ({ ...page, 'Sec-Fetch-Site': site })] as const,
    ),
  ];

  it.each(foreign)('with %s changes nothing and signs no one in', async (_, change) => {
    const session = await lab.signIn(user);
    const headers = { ...change(lab.page), Cookie: session['Cookie']! };
    const before = await lab.operate('listKeys', { user });
    const changed = await send('createMyKey', { name: 'stolen' }, headers);
    expect([changed.status, json(changed)['code']]).toEqual([403, 'cross-site']);
    const link = await newLink();
    const signedIn = await send('signIn', { link }, change(lab.page));
    expect([signedIn.status, signedIn.headers['set-cookie']]).toEqual([403, undefined]);
    expect(await lab.operate('listKeys', { user })).toEqual(before);
    // It was not used up.
    expect((await send('signIn', { link })).status).toBe(200);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1', '[::2]'])(
    'for the host %s is refused, also with its Origin: names can be made to lead here',
    async (host) => {
      const session = await lab.signIn(user);
      const headers = { ...session, Host: host, Origin: `http://${host}` };
      for (const [name, input] of [
        ['showMe', {}],
        ['showSignIn', {}],
        ['createMyKey', { name: 'stolen' }],
        ['signIn', { link: await newLink() }],
      ] as const) {
        const answer = await send(name, input, headers);
        expect([name, answer.status]).toEqual([name, 421]);
        expect(answer.body).toContain('admin.url');
      }
    },
  );

  it('that set a cookie of its own beside the session makes the request one without a session', async () => {
    const mine = await lab.signIn(user);
    await lab.operate('createUser', { name: `${user}evil` });
    const theirs = await lab.signIn(`${user}evil`);
    for (const Cookie of [`${theirs['Cookie']}; ${mine['Cookie']}`, `${mine['Cookie']}; ${theirs['Cookie']}`]) {
      const answer = await send('showMe', {}, { ...lab.page, Cookie });
      expect([answer.status, answer.body]).toEqual([401, expect.stringContaining('two cookies')]);
    }
  });
});

describe('behind https', () => {
  let behind: ApiLab;
  const URL_OF_PAGE = 'https://dyndns.example.com';
  const page = { Host: 'dyndns.example.com', Origin: URL_OF_PAGE, 'Sec-Fetch-Site': 'same-origin' };

  beforeAll(async () => {
    behind = await startApiLab({ config: { admin: { enabled: true, url: URL_OF_PAGE } } });
    await behind.operate('createUser', { name: 'anna' });
  });
  afterAll(() => behind?.stop());

  it('the link has the URL, and the cookie can be set by this name alone, and over https alone', async () => {
    const { url } = await behind.operate('createLink', { user: 'anna' });
    expect(url).toMatch(/^https:\/\/dyndns\.example\.com\/ui\/#link=[\w-]{43}$/);
    const answer = await behind.send('signIn', { link: linkSecret(url) }, undefined, { headers: page });
    const [cookie] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^__Host-dyndns=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=\d+$/);
    const Cookie = cookiesOf(answer);
    const me = (headers: Headers) => behind.send('showMe', {}, undefined, { headers });
    expect((await me({ Host: page.Host, Cookie })).status).toBe(200);
    expect((await me({ Host: page.Host, Cookie: Cookie.replace('__Host-dyndns', 'dyndns_session') })).status).toBe(401);
    expect((await me({ Host: '127.0.0.1', Cookie })).status).toBe(421);
  });
});

/**
 * The administrator of `dyndns setup` at a server in another process, as the service of a package is: the password is set through a
 * one-time link, and both ways to sign in work afterwards.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setFirstPassword } from '../../src/setup/first-password.ts';
import { type ApiLab, startApiLab } from '../support/api-lab.ts';
import { ask } from '../support/http-client.ts';

const PASSWORD = 'a password for tests';

let lab: ApiLab;
beforeAll(async () => {
  lab = await startApiLab();
  await lab.operate('createUser', { name: 'alice', role: 'admin' });
});
afterAll(() => lab?.stop());

const newFragment = async () => new URL((await lab.operate('createLink', { user: 'alice' })).url).hash.slice(1);

function signIn(credential: object) {
  const { port } = lab.server.dyndns;
  const headers = { Origin: `http://127.0.0.1:${port}`, 'Sec-Fetch-Site': 'same-origin' };
  return ask({ port }, '/v1/sign-in', { method: 'POST', headers, body: JSON.stringify(credential) });
}

it('gets the password, and leaves no session', async () => {
  await setFirstPassword(lab.server.dyndns.addresses, await newFragment(), PASSWORD);
  expect((await lab.operate('listSessions', { user: 'alice' })).sessions).toEqual([]);
  expect((await signIn({ user: 'alice', password: PASSWORD })).status).toBe(200);
  expect((await signIn({ link: (await newFragment()).slice('link='.length) })).status).toBe(200);
});

it('says what failed: a link that is not valid, a password that is too short, no address without TLS', async () => {
  const { addresses } = lab.server.dyndns;
  await expect(setFirstPassword(addresses, 'link=wrong', PASSWORD)).rejects.toThrow('it answered 401');
  await expect(setFirstPassword(addresses, await newFragment(), 'short')).rejects.toThrow('it answered 400');
  await expect(setFirstPassword(['unix:/run/x.sock'], 'link=x', PASSWORD)).rejects.toThrow("set 'http.listen'");
});

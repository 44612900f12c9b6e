/**
 * Sets the password of a user who has none, at a server in another process: signs in with a one-time link, as a browser does, and
 * signs out again.
 */
import { type IncomingMessage, request } from 'node:http';
import { AppError } from '../core/errors.ts';

/**
 * @param addresses where the server serves HTTP; it needs one without TLS
 * @param fragment of the link @throws AppError conflict with what the server answered
 */
export async function setFirstPassword(
  addresses: readonly string[],
  fragment: string,
  password: string,
): Promise<void> {
  const base = addresses.find((address) => address.startsWith('http://'));
  if (base === undefined) {
    throw new AppError('conflict', "The server listens for HTTP nowhere on this machine: set 'http.listen'.");
  }
  const origin = base.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//127.0.0.1:');
  const link = fragment.slice(fragment.indexOf('=') + 1);
  const { headers } = await send(origin, 'POST', '/v1/sign-in', { link });
  const cookie = headers['set-cookie']?.map((each) => each.split(';', 1)[0]).join('; ') ?? '';
  await send(origin, 'PUT', '/v1/me/password', { password }, cookie);
  await send(origin, 'DELETE', '/v1/sign-in', {}, cookie);
}

function send(origin: string, method: string, path: string, body: object, cookie = ''): Promise<IncomingMessage> {
  const headers = { Origin: origin, 'Sec-Fetch-Site': 'same-origin', ...(cookie !== '' && { Cookie: cookie }) };
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new AppError('conflict', `The server did not take the password: ${reason}.`));
    const sent = request(`${origin}${path}`, { method, headers, agent: false }, (response) => {
      response.resume();
      response.once('end', () => {
        if (response.statusCode === 200) resolve(response);
        else fail(`it answered ${response.statusCode}`);
      });
    });
    sent.once('error', ({ message }) => fail(message));
    sent.end(method === 'DELETE' ? undefined : JSON.stringify(body));
  });
}

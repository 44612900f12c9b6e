/** The client of another machine's HTTP API: what it takes as a URL, and replies that are not those of a server. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { AppError, InputError } from '../core/errors.ts';
import { ControlError } from './control-error.ts';
import { isExposed, parseRemoteUrl, remoteClient } from './remote-client.ts';

const KEY = `dyn_${'a'.repeat(32)}`;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener, path = ''): Promise<ReturnType<typeof remoteClient>> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return remoteClient({ url: parseRemoteUrl(`http://127.0.0.1:${port}${path}`)!, key: KEY });
}

const reply =
  (status: number, type: string, body: string, headers = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'Content-Type': type, ...headers }).end(body);

it.each([
  ['https://dyndns.example.com', 'https://dyndns.example.com/'],
  ['https://dyndns.example.com/', 'https://dyndns.example.com/'],
  ['https://dyndns.example.com/v1', 'https://dyndns.example.com/'],
  ['https://dyndns.example.com/v1/', 'https://dyndns.example.com/'],
  ['https://example.com/dyn/', 'https://example.com/dyn'],
  ['https://example.com/dyn/v1', 'https://example.com/dyn'],
  ['http://[::1]:8080', 'http://[::1]:8080/'],
])('the URL %s is %s', (text, href) => expect(parseRemoteUrl(text)?.href).toBe(href));

it.each([
  'dyndns.example.com',
  'dyndns.example.com:443',
  'ftp://dyndns.example.com',
  'https://user@dyndns.example.com',
  'https://user:x@dyndns.example.com',
  'https://dyndns.example.com?',
  'https://dyndns.example.com/?x=1',
  'https://dyndns.example.com/#x',
  'https://',
  'unix:/run/x',
  `https://dyndns.example.com/${'x'.repeat(3000)}`,
])('%s is not a URL of a server', (text) => expect(parseRemoteUrl(text)).toBeUndefined());

it.each([
  ['https://dyndns.example.com', false],
  ['http://localhost:8080', false],
  ['http://127.0.0.1', false],
  ['http://127.9.8.7', false],
  ['http://2130706433', false],
  ['http://[::1]', false],
  ['http://dyndns.example.com', true],
  ['http://localhost.example.com', true],
  ['http://127.0.0.1.example.com', true],
  ['http://192.0.2.1', true],
  ['http://[2001:db8::1]', true],
  ['http://[::ffff:192.0.2.1]', true],
])('a key to %s is exposed: %s', (text, exposed) => expect(isExposed(parseRemoteUrl(text)!)).toBe(exposed));

it('sends the key in a header, below the path of the URL, and reads the result', async () => {
  const seen: unknown[] = [];
  const client = await serve((request, response) => {
    seen.push([request.method, request.url, request.headers.authorization]);
    reply(200, 'application/json', '{"tokens":[]}')(request, response);
  }, '/dyn/v1/');
  expect(await client.call('listTokens', { search: 'a b' })).toEqual({ tokens: [] });
  expect(seen).toEqual([['GET', '/dyn/v1/tokens?search=a+b', `Bearer ${KEY}`]]);
});

it('a problem document becomes the error of the server, with the places of the input', async () => {
  const problem = {
    type: 'docs/errors.md#request-malformed',
    status: 400,
    code: 'request-malformed',
    detail: "'ttl' must be an integer.\u001b[31m",
    errors: [{ pointer: '/ttl', detail: "'ttl' must be an integer." }, { parameter: 'limit', detail: 'x' }, null, 7],
  };
  const client = await serve(reply(400, 'application/problem+json; charset=utf-8', JSON.stringify(problem)));
  const error = await client.call('addHost', { host: 'x' }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  expect(error).toMatchObject({
    code: 'request-malformed',
    message: "'ttl' must be an integer.?[31m",
    errors: [
      { pointer: '/ttl', detail: "'ttl' must be an integer." },
      { pointer: '/limit', detail: 'x' },
    ],
  });
});

it('the time after which to try again, and an unknown code', async () => {
  const body = '{"code":"rate-limited","detail":"Later.","retryAfterSeconds":7}';
  const client = await serve(reply(429, 'application/problem+json', body));
  await expect(client.call('status', {})).rejects.toMatchObject({ code: 'rate-limited', retryAfterSeconds: 7 });
  server
    ?.removeAllListeners('request')
    .on('request', reply(400, 'application/problem+json', '{"code":"new","detail":"x"}'));
  await expect(client.call('status', {})).rejects.toSatisfy(
    (error) => error instanceof AppError && error.code === 'internal',
  );
});

it.each([
  [
    reply(404, 'text/html', '<h1>not found</h1>'),
    /is not the HTTP API of dyndns \(status 404, text\/html\).*admin\.enabled/,
  ],
  [reply(401, 'text/html', 'x'), /is not the HTTP API of dyndns \(status 401/],
  [reply(200, 'text/html', '<h1>hello</h1>'), /is not the HTTP API of dyndns \(status 200/],
  [reply(502, 'text/html; charset=x', 'x'), /status 502, text\/html\)/],
  [reply(301, 'text/html', 'x', { Location: 'https://elsewhere.example/' }), /redirects to another URL \(status 301\)/],
  [reply(307, 'application/json', '{}', { Location: '/elsewhere' }), /a key is not sent there/],
  [reply(200, 'application/json', '{"tokens":'), /The connection to http.* failed/],
  [reply(200, 'application/json', '7'), /the reply is not a JSON object/],
  [
    (_: unknown, response: { destroy(): void }) => response.destroy(),
    /The connection to http:\/\/127\.0\.0\.1:\d+ failed .*Whether a change was made is unknown/,
  ],
] as readonly (readonly [RequestListener, RegExp])[])(
  'what is no reply of a server is an error: %#',
  async (listener, text) => {
    const client = await serve(listener);
    const error = await client.call('listTokens', {}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ControlError);
    expect((error as Error).message).toMatch(text);
    expect(String((error as Error).stack)).not.toContain(KEY);
  },
);

it('a reply that never ends is cut at its limit', async () => {
  const client = await serve((_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const piece = Buffer.alloc(1024 * 1024, 0x20);
    const more = () => {
      while (!response.destroyed && response.write(piece));
      response.once('drain', more);
    };
    more();
  });
  await expect(client.call('listTokens', {})).rejects.toThrow(/is longer than 67108864 octets/);
}, 60_000);

it('no server, and one that does not speak TLS, say that nothing was changed', async () => {
  await serve(reply(200, 'application/json', '{}'));
  const { port } = server!.address() as AddressInfo;
  const https = remoteClient({ url: parseRemoteUrl(`https://127.0.0.1:${port}`)!, key: KEY });
  await expect(https.call('listTokens', {})).rejects.toThrow(/does not speak HTTPS \(\w+\)\. Nothing was changed/);
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  const none = remoteClient({ url: parseRemoteUrl(`http://127.0.0.1:${port}`)!, key: KEY });
  await expect(none.call('listTokens', {})).rejects.toThrow(
    /No server answers at .* \(ECONNREFUSED\)\. Nothing was changed/,
  );
});

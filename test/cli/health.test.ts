/** `dyndns health` at real servers: ready, stopped, without its store or primary; each kind of listener; unreadable secrets. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { runDyndns, startDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { freePort } from '../support/free-port.ts';
import { makeCertificateOf } from '../support/own-certificate.ts';
import { POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const ZONE = 'dyn.example.com';
const SECRET = 'masterSecretOfTests';
/** No primary listens on this port: it is away. */
const REMOTE = { name: ZONE, nameserver: '127.0.0.1', port: 1, tsig_key: 'dGVzdA==' };

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function folder(): string {
  const directory = freshDirectory('health');
  stops.push(() => removeNow(directory));
  return directory;
}

async function health(configFile: string, env: NodeJS.ProcessEnv = {}): Promise<readonly [number | null, string]> {
  const { code, stdout, stderr } = await runDyndns(['-c', configFile, 'health'], { env: { ...process.env, ...env } });
  return [code, stdout + stderr];
}

const READY = [0, 'ready\n'];

it('exits with 0 while an embedded zone is served, and with 1 after the stop', async () => {
  const server = await startEmbedded({ zone: ZONE });
  stops.push(() => server.stop());
  const { configFile, directory } = server.dyndns;
  expect(await health(configFile)).toEqual(READY);
  await server.dyndns.process.stop();
  expect(await health(configFile)).toEqual([
    1,
    `ERROR: No dyndns answers at the control socket '${join(directory, 'control.sock')}': there is no such socket.\n`,
  ]);
});

it('does not read secrets, and ignores options that are not valid', async () => {
  const server = await startEmbedded({ zone: ZONE });
  stops.push(() => server.stop());
  writeFileSync(
    server.dyndns.configFile,
    `secret: {file: $CREDENTIALS_DIRECTORY/secret}\nunknown: 1\ndns: {database: zones.db}\nzones: [{name: ${ZONE}, nameserver: embedded}]\n`,
  );
  expect(await health(server.dyndns.configFile)).toEqual(READY);
});

it('asks the listeners where there is no control socket; a primary that is away does not matter', async () => {
  const directory = folder();
  const [port, tlsPort] = [await freePort(), await freePort()];
  const { key, chain } = await makeCertificateOf(['dyndns.example.com'], 1, 30);
  writeFileSync(join(directory, 'key.pem'), key, { mode: 0o600 });
  writeFileSync(join(directory, 'chain.pem'), chain);
  const tls = { certificate: join(directory, 'chain.pem'), key: join(directory, 'key.pem') };
  const kinds = [
    { listen: [`0.0.0.0:${port}`] },
    { listen: [`unix:${join(directory, 'http.sock')}`] },
    { listen: [`https://127.0.0.1:${tlsPort}`], tls },
    { listen: ['127.0.0.1:0', `unix:${join(directory, 'second.sock')}`] },
  ];
  for (const http of kinds) {
    const server = await startDyndns({ secret: SECRET, zones: [REMOTE], http });
    stops.push(() => server.stop());
    expect(await health(server.configFile)).toEqual(READY);
    await server.process.stop();
    const [code, text] = await health(server.configFile);
    expect([code, text]).toEqual([
      1,
      expect.stringMatching(/^ERROR: No dyndns answers at '.*(refused|such socket)\.\n$/),
    ]);
  }
});

it('asks the listener of the environment, as a container sets it', async () => {
  const port = await freePort();
  const env = { DYNDNS_HTTP_LISTEN: `0.0.0.0:${port}` };
  const server = await startDyndns(JSON.stringify({ secret: SECRET, zones: [REMOTE] }), { env });
  stops.push(() => server.stop());
  expect(await health(server.configFile, env)).toEqual(READY);
});

it('names a program that is not dyndns, and one that never answers', async () => {
  const directory = folder();
  const answer = async (text: string | undefined): Promise<readonly [number | null, string]> => {
    const program: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (text !== undefined) socket.end(text);
      stops.push(() => socket.destroy());
    });
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    stops.push(() => program.close());
    const { port } = program.address() as { port: number };
    const file = join(directory, 'dyndns.yml');
    writeFileSync(file, JSON.stringify({ zones: [REMOTE], http: { listen: [`127.0.0.1:${port}`] } }));
    return health(file);
  };
  expect(await answer('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')).toEqual([
    1,
    expect.stringContaining("it answers '/readyz' with status 404 and is not dyndns"),
  ]);
  expect(await answer(undefined)).toEqual([1, expect.stringContaining('it does not answer in time')]);
});

it('exits with 2 and names the way out where there is no configuration', async () => {
  const [code, text] = await health('/nonexistent/dyndns.yml');
  expect([code, text]).toEqual([2, expect.stringContaining("'/nonexistent/dyndns.yml'")]);
});

describeWith(POSTGRES_PROGRAMS, 'with a store in PostgreSQL', () => {
  it('exits with 1 and names the store while PostgreSQL is away', async () => {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    const store = await postgres.createDatabase('health');
    const port = await freePort();
    const server = await startDyndns({
      secret: SECRET,
      store,
      zones: [REMOTE],
      control: 'unix:c.sock',
      http: { listen: [`127.0.0.1:${port}`] },
    });
    stops.push(() => server.stop());
    expect(await health(server.configFile)).toEqual(READY);
    await postgres.halt();
    const away = [1, 'ERROR: The server is not ready: the store does not answer (connection refused).\n'];
    // The server checks its parts at most once a second.
    await waitUntil('the server to notice', async () => (await health(server.configFile))[0] === 1);
    expect(await health(server.configFile)).toEqual(away);
    const { configFile } = server;
    writeFileSync(configFile, JSON.stringify({ zones: [REMOTE], http: { listen: [`127.0.0.1:${port}`] } }));
    expect(await health(configFile)).toEqual(away);
  });
});

/** Listeners of HTTP: TCP, TLS from files, unix sockets, and the errors of one that cannot be opened. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../../../test/openwrt/stub-server.ts';
import { ask } from '../../../test/support/http-client.ts';
import { runProgram } from '../../../test/support/process.ts';
import { describeWith } from '../../../test/support/require-server.ts';
import type { HttpConfig, ListenAddress } from '../../config/config.ts';
import { TICKET_KEY_MS } from '../../core/ticket-keys.ts';
import { HttpListeners } from './listeners.ts';

let directory: string;
let listeners: HttpListeners;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dyndns-listeners-'));
  listeners = new HttpListeners();
});

afterEach(async () => {
  await listeners.close(0);
  rmSync(directory, { recursive: true, force: true });
});

function config(listen: readonly ListenAddress[], more: Partial<HttpConfig> = {}): HttpConfig {
  return {
    listen,
    socketMode: 0o664,
    trustedProxies: [],
    clientAddressHeader: 'x-forwarded-for',
    lenient: false,
    ...more,
  };
}

const tcp = (port: number, host = '127.0.0.1', tls = false): ListenAddress => ({ kind: 'tcp', host, port, tls });
const hello = (_request: unknown, response: { end(text: string): void }) => response.end('hello\n');
const portOf = (address: string) => Number(/:(\d+)$/.exec(address)?.[1]);

describe('TCP listeners', () => {
  it('have addresses with the ports that the system chose, for IPv4 and IPv6', async () => {
    await listeners.open(config([tcp(0), tcp(0, '::1')]), hello);
    const [v4 = '', v6 = ''] = listeners.addresses;
    expect(v4).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(v6).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await ask({ port: portOf(v4) }, '/')).body).toBe('hello\n');
    expect((await ask({ port: portOf(v6), host: '::1' }, '/')).body).toBe('hello\n');
  });

  it('say what to do where the port is taken, and leave none of the others open', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const path = join(directory, 'http.sock');
    await expect(listeners.open(config([{ kind: 'unix', path }, tcp(port)]), hello)).rejects.toThrow(
      `Cannot listen on '127.0.0.1:${port}': this program already listens on 127.0.0.1:${port}; stop it, or choose another port (option http.listen, or serve --port).`,
    );
    expect(existsSync(path)).toBe(false);
    expect(listeners.addresses).toEqual([]);
    other.close();
  });

  it('say that the machine has no such address', async () => {
    await expect(listeners.open(config([tcp(0, '192.0.2.1')]), hello)).rejects.toThrow(
      'this machine has no such address',
    );
  });
});

describe('unix sockets', () => {
  it.each([0o664, 0o600])('get the mode %o', async (socketMode) => {
    const path = join(directory, 'http.sock');
    await listeners.open(config([{ kind: 'unix', path }], { socketMode }), hello);
    expect(listeners.addresses).toEqual([`unix:${path}`]);
    expect(statSync(path).mode & 0o777).toBe(socketMode);
    expect((await ask({ socketPath: path }, '/')).body).toBe('hello\n');
  });

  it('replace the socket file of a killed process', async () => {
    const path = join(directory, 'http.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(path).isSocket()).toBe(true);
    await listeners.open(config([{ kind: 'unix', path }]), hello);
    expect((await ask({ socketPath: path }, '/')).body).toBe('hello\n');
  });

  it('replace neither a socket in use nor another file', async () => {
    const path = join(directory, 'http.sock');
    await listeners.open(config([{ kind: 'unix', path }]), hello);
    const second = new HttpListeners();
    await expect(second.open(config([{ kind: 'unix', path }]), hello)).rejects.toThrow('another program listens there');
    expect((await ask({ socketPath: path }, '/')).body).toBe('hello\n');
    const file = join(directory, 'file');
    writeFileSync(file, 'kept');
    await expect(second.open(config([{ kind: 'unix', path: file }]), hello)).rejects.toThrow(
      `Cannot listen on 'unix:${file}'`,
    );
    expect(existsSync(file)).toBe(true);
  });

  it('say that their directory does not exist', async () => {
    const path = join(directory, 'missing', 'http.sock');
    await expect(listeners.open(config([{ kind: 'unix', path }]), hello)).rejects.toThrow(
      `Cannot listen on 'unix:${path}': its directory does not exist.`,
    );
  });
});

describeWith([{ command: 'openssl', debianPackage: 'openssl' }], 'TLS listeners', () => {
  function certificates(name: string) {
    const { authority, certificate, key } = makeCertificates(join(directory, name), 'localhost');
    return { ca: readFileSync(authority, 'utf8'), tls: { certificate, key } };
  }

  it('serve the certificate of the files, and after a reload that of the new files', async () => {
    const first = certificates('first');
    const second = certificates('second');
    const https = [tcp(0, '127.0.0.1', true)];
    await listeners.open(config(https, { tls: first.tls }), hello);
    const [address = ''] = listeners.addresses;
    expect(address).toMatch(/^https:\/\//);
    const bodyWith = async (ca: string) => {
      return (await ask({ port: portOf(address), host: 'localhost' }, '/', { ca })).body;
    };
    expect(await bodyWith(first.ca)).toBe('hello\n');
    await expect(bodyWith(second.ca)).rejects.toThrow();
    const useSecond = listeners.prepareTls(config(https, { tls: second.tls }));
    expect(await bodyWith(first.ca)).toBe('hello\n');
    useSecond();
    expect(await bodyWith(second.ca)).toBe('hello\n');
    await expect(bodyWith(first.ca)).rejects.toThrow();
  });

  it('give tickets that are valid for as long as their key, also after a reload', async () => {
    const { tls } = certificates('tickets');
    const https = [tcp(0, '127.0.0.1', true)];
    await listeners.open(config(https, { tls }), hello);
    const port = portOf(listeners.addresses[0] ?? '');
    const lifetime = async () => {
      const { stdout } = await runProgram('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2'], {});
      return Number(/lifetime hint: (\d+) \(seconds\)/.exec(stdout)?.[1]) * 1000;
    };
    expect(await lifetime()).toBe(TICKET_KEY_MS);
    listeners.prepareTls(config(https, { tls }))();
    expect(await lifetime()).toBe(TICKET_KEY_MS);
  });

  it('keep the old certificate when a new file is missing or invalid, and name the file', async () => {
    const { ca, tls } = certificates('good');
    const https = [tcp(0, '127.0.0.1', true)];
    await listeners.open(config(https, { tls }), hello);
    const missing = join(directory, 'missing.pem');
    const garbage = join(directory, 'garbage.pem');
    writeFileSync(garbage, 'no certificate');
    const reload = (certificate: string, key: string) => () =>
      listeners.prepareTls(config(https, { tls: { certificate, key } }))();
    expect(reload(missing, tls.key)).toThrow(`http.tls.certificate: the file '${missing}' cannot be read.`);
    expect(reload(tls.certificate, missing)).toThrow(`http.tls.key: the file '${missing}' cannot be read.`);
    expect(reload(garbage, tls.key)).toThrow(/http\.tls/);
    expect(reload(tls.certificate, garbage)).toThrow(/http\.tls/);
    const [address = ''] = listeners.addresses;
    expect((await ask({ port: portOf(address), host: 'localhost' }, '/', { ca })).body).toBe('hello\n');
  });

  it('are not opened with files that do not belong together', async () => {
    const one = certificates('one');
    const two = certificates('two');
    const tls = { certificate: one.tls.certificate, key: two.tls.key };
    await expect(listeners.open(config([tcp(0, '127.0.0.1', true)], { tls }), hello)).rejects.toThrow(/http\.tls/);
  });
});

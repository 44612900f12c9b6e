/**
 * Starts pebble, an ACME certificate authority for tests (RFC 8555). It validates DNS-01 at the given nameserver. Only
 * its random delays and nonce rejections are disabled.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerAddress } from './dig.ts';
import { freePort } from './free-port.ts';
import { ask } from './http-client.ts';
import { freshDirectory, writeInto } from './primary-server.ts';
import { removeNow, runOrThrow, startProcess } from './process.ts';
import type { RequiredProgram } from './programs.ts';

export const PEBBLE_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'pebble', debianPackage: 'pebble' },
  { command: 'openssl', debianPackage: 'openssl' },
];

export interface Pebble {
  /** URL of its ACME directory. */
  readonly directoryUrl: string;
  /** Certificate of its HTTPS interface, which clients must trust. */
  readonly caFile: string;
  /** Returns the root certificate (PEM), which is a new one at each start. */
  root(): Promise<string>;
  log(): string;
  stop(): Promise<void>;
}

/** @param resolver the nameserver that it queries */
export async function startPebble(resolver: ServerAddress): Promise<Pebble> {
  const prepared = await preparePebble();
  try {
    const pebble = await prepared.start(resolver);
    return {
      ...pebble,
      async stop() {
        await pebble.stop();
        prepared.remove();
      },
    };
  } catch (error) {
    prepared.remove();
    throw error;
  }
}

/** A pebble that can be started and stopped repeatedly, with the same address and HTTPS certificate. */
export interface PreparedPebble extends Pick<Pebble, 'directoryUrl' | 'caFile'> {
  /** Private key of its HTTPS certificate. */
  readonly keyFile: string;
  start(resolver: ServerAddress): Promise<Pebble>;
  remove(): void;
}

export async function preparePebble(): Promise<PreparedPebble> {
  const directory = freshDirectory('pebble');
  const [listenPort, managementPort] = [await freePort(), await freePort()];
  const certificate = join(directory, 'cert.pem');
  const privateKey = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const keyArguments = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', privateKey];
  await runOrThrow('openssl', ['req', '-x509', '-days', '2', ...keyArguments, '-out', certificate, ...subject]);
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${listenPort}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate,
      privateKey,
      // For the other kinds of validation, which the tests do not use.
      httpPort: await freePort(),
      tlsPort: await freePort(),
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  };
  const configFile = writeInto(directory, 'pebble.json', JSON.stringify(config));
  const ca = readFileSync(certificate, 'utf8');
  const get = (port: number, path: string) => ask({ port, host: 'localhost' }, path, { ca });
  const listens = () =>
    Promise.all([get(listenPort, '/dir'), get(managementPort, '/roots/0')]).then(
      () => true,
      () => false,
    );
  const site = { directoryUrl: `https://localhost:${listenPort}/dir`, caFile: certificate };
  return {
    ...site,
    keyFile: privateKey,
    async start(resolver) {
      const running = await startProcess({
        command: 'pebble',
        args: ['-config', configFile, '-dnsserver', `${resolver.host}:${resolver.port}`],
        cwd: directory,
        env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
        // It logs its address before it listens.
        ready: async (output) => output.includes('ACME directory available') && (await listens()),
      });
      return {
        ...site,
        root: async () => (await get(managementPort, '/roots/0')).body,
        log: () => running.output(),
        stop: () => running.stop(),
      };
    },
    remove: () => removeNow(directory),
  };
}

// Starts pebble, an ACME certificate authority for tests (RFC 8555), which validates DNS-01 for real: it asks the
// given nameserver for the TXT records. Nothing is skipped; only its random pauses and refused nonces are off.

import { join } from 'node:path';
import type { ServerAddress } from './dig.ts';
import { freePort } from './free-port.ts';
import { freshDirectory, writeInto } from './primary-server.ts';
import { removeNow, runOrThrow, startProcess } from './process.ts';
import type { RequiredProgram } from './require-server.ts';

export const PEBBLE_PROGRAMS: readonly RequiredProgram[] = [
  { command: 'pebble', debianPackage: 'pebble' },
  { command: 'openssl', debianPackage: 'openssl' },
];

export interface Pebble {
  /** URL of its ACME directory. */
  readonly directoryUrl: string;
  /** Certificate of its HTTPS interface, which clients must trust. */
  readonly caFile: string;
  log(): string;
  stop(): Promise<void>;
}

/** @param resolver where it looks names up */
export async function startPebble(resolver: ServerAddress): Promise<Pebble> {
  const directory = freshDirectory('pebble');
  const [port, managementPort] = [await freePort(), await freePort()];
  const certificate = join(directory, 'cert.pem');
  const privateKey = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const keyArguments = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', privateKey];
  await runOrThrow('openssl', ['req', '-x509', '-days', '2', ...keyArguments, '-out', certificate, ...subject]);
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate,
      privateKey,
      // Of the other two kinds of validation, which nobody asks for here.
      httpPort: await freePort(),
      tlsPort: await freePort(),
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    },
  };
  const running = await startProcess({
    command: 'pebble',
    args: [
      '-config',
      writeInto(directory, 'pebble.json', JSON.stringify(config)),
      '-dnsserver',
      `${resolver.host}:${resolver.port}`,
    ],
    cwd: directory,
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' },
    ready: (output) => output.includes('ACME directory available'),
  }).catch((error: unknown) => {
    removeNow(directory);
    throw error;
  });
  return {
    directoryUrl: `https://localhost:${port}/dir`,
    caFile: certificate,
    log: () => running.output(),
    async stop() {
      await running.stop();
      removeNow(directory);
    },
  };
}

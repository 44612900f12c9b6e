/** deploy/dyndns.yml, read by the program's loader: it gives no warning and contains no secret. */
import { chmodSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { RemotePrimary } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { makeInstallation } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

it('deploy/dyndns.yml is a valid configuration that reads both secrets from the credentials of systemd', () => {
  const directory = freshDirectory('configuration');
  try {
    const installation = makeInstallation({ directory, dnsPort: 53 });
    const key = Buffer.alloc(64, 'not a secret');
    installation.write('/run/credentials/dyndns.service/secret', '0123456789abcdef\n');
    installation.write('/run/credentials/dyndns.service/tsig_key', `${key.toString('base64')}\n`);
    for (const name of ['secret', 'tsig_key'])
      chmodSync(installation.path(`/run/credentials/dyndns.service/${name}`), 0o440);
    const file = installation.path('/usr/local/lib/node_modules/dyndns/deploy/dyndns.yml');
    const { config } = loadConfig(file, {});
    expect(config.warnings).toEqual([]);
    expect(config.secret?.reveal()).toBe('0123456789abcdef');
    const [zone] = config.zones;
    expect(String(zone?.apex)).toContain('dyndns.example.com');
    const { tsigKey } = zone!.primary as RemotePrimary;
    expect(tsigKey.secret.reveal()).toEqual(Uint8Array.from(key));
    expect(config.http.listen).toMatchObject([{ path: installation.path('/run/dyndns/http.sock') }]);
  } finally {
    removeNow(directory);
  }
});

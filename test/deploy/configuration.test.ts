/** The files in deploy, read by the program's loader: they give no warning and contain no secret. */
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

it('deploy/several-servers.yml is a valid configuration that differs from deploy/dyndns.yml in the store and its sockets', () => {
  const directory = freshDirectory('configuration');
  try {
    const installation = makeInstallation({ directory, dnsPort: 53 });
    const load = (file: string, unit: string, more: Readonly<Record<string, string>> = {}) => {
      const secrets = { secret: '0123456789abcdef', tsig_key: Buffer.alloc(64).toString('base64'), ...more };
      for (const [name, text] of Object.entries(secrets))
        chmodSync(installation.write(`/run/credentials/${unit}/${name}`, `${text}\n`), 0o440);
      return loadConfig(installation.path(`/usr/local/lib/node_modules/dyndns/deploy/${file}`), {}).config;
    };
    const store = 'postgres://dyndns:word@db.example.com/dyndns?sslmode=verify-full';
    const one = load('dyndns.yml', 'dyndns.service');
    const {
      store: opened,
      control,
      controlIsDefault,
      ...several
    } = load('several-servers.yml', 'dyndns@a.service', { store });
    expect(several.warnings).toEqual([]);
    expect(opened).toMatchObject({ kind: 'postgres' });
    expect([control, controlIsDefault]).toEqual([installation.path('/run/dyndns-a/control.sock'), false]);
    expect(several.http).toEqual({
      ...one.http,
      listen: [{ kind: 'unix', path: installation.path('/run/dyndns-a/http.sock') }],
    });
    expect(several.zones).toEqual(one.zones);
  } finally {
    removeNow(directory);
  }
});

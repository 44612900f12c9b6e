// `POST /v1/reload` on the control socket of a real server: the new configuration is in force, or its problems are reported.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningDyndns, startDyndns } from '../support/dyndns.ts';
import { ask } from '../support/http-client.ts';

const zones = [{ name: 'dyn.example.com', nameserver: '127.0.0.1', tsig_key: 'dGVzdA==' }];

let server: RunningDyndns;
beforeAll(async () => {
  server = await startDyndns({ secret: 'masterSecretOfTests', control: 'unix:c.sock', zones });
});
afterAll(() => server?.stop());

const request = async (method: 'GET' | 'POST', target: string) => {
  const { status, body } = await ask({ socketPath: join(server.directory, 'c.sock') }, target, { method, body: '' });
  return { status, body: JSON.parse(body) };
};

it('reads the file again and reports options that need a restart', async () => {
  const config = JSON.parse(readFileSync(server.configFile, 'utf8'));
  const added = { ...zones[0], name: 'lab.example.com' };
  const next = { ...config, control: 'unix:other.sock', zones: [...zones, added] };
  writeFileSync(server.configFile, JSON.stringify(next), { mode: 0o600 });
  expect(await request('POST', '/v1/reload')).toEqual({
    status: 200,
    body: { outcome: 'reloaded', warnings: [expect.stringContaining("'control'")] },
  });
  expect((await request('GET', '/v1/status')).body.remote).toEqual(['dyn.example.com.', 'lab.example.com.']);
});

it('reports every problem of a configuration that is not valid, and keeps the old one', async () => {
  writeFileSync(server.configFile, JSON.stringify({ secret: 'short', nameserver: 'x', zones }), { mode: 0o600 });
  const { status, body } = await request('POST', '/v1/reload');
  expect([status, body.code]).toEqual([400, 'request-malformed']);
  expect(body.message.split('\n')).toEqual([expect.stringContaining('secret'), expect.stringContaining('nameserver')]);
  expect((await request('GET', '/v1/status')).body.remote).toHaveLength(2);
});

// The control socket with small operations behind it: paths, errors, mode, other processes.

import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../test/support/http-client.ts';
import type { OperationHandlers } from '../core/admin/caller.ts';
import { Dispatcher } from '../core/admin/dispatch.ts';
import type { ZoneAdmin } from '../core/admin/zone-admin.ts';
import { AppError, ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import type { Observer, RequestEvent } from '../core/observer.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import { PROBLEMS } from '../http/api/problem.ts';
import { readHost } from './domain-values.ts';
import { dispatcherOf } from './in-process.ts';
import { ControlSocket } from './socket-server.ts';

let directory: string;
let path: string;
let socket: ControlSocket;
let events: RequestEvent[];
const imported: { zone: string; text: string; options: object }[] = [];

const observer: Observer = {
  batchPublished: () => undefined,
  requestAnswered: (event) => void events.push(event),
  dnsUpdateAnswered: () => undefined,
  warn: () => undefined,
};

const notCalled = () => Promise.reject(new Error('not called here'));
const zoneAdmin: ZoneAdmin = {
  dnssec: async () => ({
    ...{ status: notCalled, keys: notCalled, exportKey: notCalled, importKey: notCalled },
    ...{ roll: notCalled, leave: notCalled, stay: notCalled },
  }),
  zones: async () => [{ zone: 'example.com.', serial: 7, names: 3, secondaries: [] }],
  async *exportZone(apex) {
    yield `$ORIGIN ${apex}\n`;
    if (apex.toString() === 'broken.example.com.') throw new Error('in the middle');
  },
  async importZone(apex, pieces, options) {
    if (apex.toString() === 'unknown.example.com.') throw new AppError('name-invalid', 'no such zone');
    let text = '';
    for await (const piece of pieces) text += piece;
    imported.push({ zone: apex.toString(), text, options });
    return { added: 1, changed: 0, unchanged: 0, removed: 0, skipped: [], skippedCount: 0, serial: 8 };
  },
  recoverZone: async () => ({ serial: 2, names: 1, lost: [], lostCount: 0 }),
  setSerial: async (_apex, serial) => ({ before: 7, serial }),
  discardUnserved: async () => 1,
  backup: async (file) => ({ copies: [{ what: 'zones', from: '/a', to: file }] }),
};

const unused = () => {
  throw new Error('not called here');
};
const inProcess = dispatcherOf({
  services: unused,
  zoneAdmin: () => zoneAdmin,
  administration: unused,
  server: {
    status: () => Promise.reject(new Error('a defect with a secret')),
    health: unused,
    reload: unused,
    webhooks: unused,
    testWebhook: unused,
    examineZone: unused,
    askNameservers: unused,
    remoteZones: () => [],
    config: unused,
  },
});
const handlers = {
  update: async ({ host, ips, ttl }) => ({ host, changed: true, text: `${host} ${ips.join(' ')} ${ttl}\n` }),
  delete: ({ host }) => Promise.reject(new AppError(host as ErrorCode, `what ${host} says`, { retryAfterSeconds: 5 })),
  check: async () => ({ text: 'INFO\n', passed: true }),
} as Partial<OperationHandlers> as OperationHandlers;
const others = new Dispatcher({
  handlers,
  readHost,
  access: { hostAccess: unused, ownsToken: unused },
});
const operations: OperationCalls = {
  call: (name, ...request) =>
    (['update', 'delete', 'check'].includes(name) ? others : inProcess).call(name, ...request),
};

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dyndns-control-'));
  path = join(directory, 'c.sock');
  events = [];
  imported.length = 0;
  socket = new ControlSocket({ operations, observer });
  await socket.open(path);
});
afterEach(async () => {
  await socket.close(0);
  rmSync(directory, { recursive: true });
});

async function rawRequest(text: string): Promise<{ status: number; body: string }> {
  const client = connect({ path });
  let reply = '';
  client.on('data', (chunk) => {
    reply += chunk;
  });
  client.write(text);
  await new Promise((resolve) => client.once('close', resolve));
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1]), body: reply };
}

const get = (target: string) => ask({ socketPath: path }, target);
const post = (target: string, body = '') => ask({ socketPath: path }, target, { method: 'POST', body });

describe('the control socket', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])('gives %s with its status, code and text', async (code) => {
    const { status, body } = await post('/v1/delete', JSON.stringify({ fqdn: code }));
    expect(status).toBe(PROBLEMS[code][0]);
    const says = code === 'internal' ? expect.stringContaining('control-1') : `what ${code} says`;
    expect(JSON.parse(body)).toEqual({
      type: `docs/errors.md#${code}`,
      title: PROBLEMS[code][1],
      status,
      detail: says,
      code,
      requestId: 'control-1',
      retryAfterSeconds: 5,
      message: code === 'internal' ? 'internal error' : says,
    });
    expect(events).toMatchObject([{ route: '/v1/delete', status, source: 'the control socket', outcome: 'failed' }]);
  });

  it('tells of a defect without its text, which goes to the log', async () => {
    const { status, body } = await get('/v1/status');
    expect([status, JSON.parse(body)]).toMatchObject([500, { code: 'internal', message: 'internal error' }]);
    expect(body).not.toContain('secret');
    expect(events[0]?.error?.cause).toMatchObject({ message: 'a defect with a secret' });
  });

  it('answers each path', async () => {
    expect(JSON.parse((await get('/v1/zones')).body).zones).toMatchObject([{ zone: 'example.com.', serial: 7 }]);
    expect((await get('/v1/zones/example.com./file')).body).toBe('$ORIGIN example.com.\n');
    expect((await post('/v1/zones/example.com/serial', '{"serial":9}')).body).toBe('{"before":7,"serial":9}\n');
    expect((await post('/v1/backup', '{"file":"/b"}')).body).toContain('"to":"/b"');
    expect((await post('/v1/update', '{"fqdn":"a","ips":["192.0.2.1"],"ttl":"60"}')).body).toContain('a 192.0.2.1 60');
    expect((await post('/v1/check')).body).toContain('"passed":true');
  });

  it('gives an import its text whole, in UTF-8, and its options', async () => {
    const text = '; ü\n'.repeat(100_000);
    expect((await post('/v1/zones/example.com/import?mode=replace&dry_run=1', text)).status).toBe(200);
    expect((await post('/v1/zones/example.com/import', 'x')).status).toBe(200);
    expect(imported).toEqual([
      { zone: 'example.com.', text, options: { replace: true, dryRun: true } },
      { zone: 'example.com.', text: 'x', options: { replace: false, dryRun: false } },
    ]);
  });

  it('refuses an import early and is heard, however much is still being sent', async () => {
    const { status, body } = await post('/v1/zones/unknown.example.com/import', 'x'.repeat(200_000));
    expect([status, JSON.parse(body).message]).toEqual([404, 'no such zone']);
  });

  it('cuts an export that fails in the middle, so that no reader considers it complete', async () => {
    await expect(get('/v1/zones/broken.example.com/file')).rejects.toThrow();
    expect(events[0]?.error?.cause).toMatchObject({ message: 'in the middle' });
  });

  it.each([
    ['/v1/zones/a..b/serial', '{"serial":9}', 404, /label/],
    ['/v1/zones/%ff/serial', '{"serial":9}', 400, /not valid UTF-8/],
    ['/v1/zones/example.com/serial', '{"serial":4294967296}', 400, /'serial' must be an integer from 0 to 4294967295/],
    ['/v1/zones/example.com/serial', '{"serial"', 400, /is not valid JSON/],
    ['/v1/zones/example.com/serial', '[]', 400, /must be a JSON object/],
    ['/v1/zones/example.com/serial', `"${'x'.repeat(70_000)}"`, 413, /larger than 65536 octets/],
    ['/v1/zones/example.com/import?mode=all', '', 400, /'mode' must be merge or replace/],
    ['/v1/backup', '{"file":"b"}', 400, /absolute path/],
    ['/v1/update', '{"fqdn":1,"ips":[]}', 400, /'host' must be a full name/],
    ['/v1/update', '{"fqdn":"a","ips":[1]}', 400, /'ips\[0\]' must be a string/],
    ['/v1/toString', '', 404, /has no operation POST \/v1\/toString/],
    ['/', '', 404, /has no operation POST/],
  ])('POST %s %.20j: %i', async (target, body, status, message) => {
    const answer = await post(target, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ message: expect.stringMatching(message) });
  });

  it('answers every target with an error, and goes on', async () => {
    const targets = [
      '//',
      '///',
      '//[',
      '//:',
      '/\\',
      '*',
      'http://',
      'http://[',
      '//%',
      '/%',
      '/?%',
      '/v1/zones/%/file',
    ];
    const random = Array.from({ length: 300 }, (_, seed) =>
      Array.from({ length: 1 + (seed % 9) }, (_, at) => '/:@[]%?#\\.*a0'[(seed * 7 + at * (seed % 13)) % 14]).join(''),
    );
    for (const target of [...targets, ...random]) {
      for (const method of ['GET', 'POST']) {
        const { status, body } = await rawRequest(
          `${method} ${target} HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
        );
        expect([400, 404, 405], `${method} ${target} ${body}`).toContain(status);
        expect(body, `${method} ${target}`).toMatch(/"code":|ERROR: The request is malformed/);
      }
    }
    expect((await get('/v1/zones')).status).toBe(200);
  });

  it('has mode 0600, and goes with the server', async () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await socket.close(0);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves another server’s socket and other files alone', async () => {
    const second = new ControlSocket({ operations, observer });
    await expect(second.open(path)).rejects.toThrow(/another dyndns serves this control socket/);
    expect((await get('/v1/zones')).status).toBe(200);
    const file = join(directory, 'file');
    writeFileSync(file, 'x');
    await expect(second.open(file)).rejects.toThrow(/a file that is not a socket is there/);
    await expect(second.open(join(directory, 'missing/c.sock'))).rejects.toThrow(/missing' does not exist/);
  });

  it('replaces a socket without a listener', async () => {
    const stale = join(directory, 'stale.sock');
    const dead = createServer();
    await new Promise<void>((resolve) => void dead.listen({ path: join(directory, 'x.sock') }, resolve));
    // A hard link keeps the socket file of a server that has ended.
    linkSync(join(directory, 'x.sock'), stale);
    await new Promise((resolve) => dead.close(resolve));
    const second = new ControlSocket({ operations, observer });
    await second.open(stale);
    expect((await ask({ socketPath: stale }, '/v1/zones')).status).toBe(200);
    await second.close(0);
  });
});

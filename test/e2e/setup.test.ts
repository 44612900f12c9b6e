/**
 * `dyndns setup` as a process: who may use it, what each step refuses, and what its last step leaves behind: the file and a
 * server, or nothing.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBind } from '../support/bind.ts';
import { DELEGATION, LAB_ZONE, openDelegationLab, ROOT } from '../support/delegation-lab.ts';
import { dig } from '../support/dig.ts';
import { MAIN, runDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { ask } from '../support/http-client.ts';
import { freshDirectory, type PrimaryServer } from '../support/primary-server.ts';
import { removeNow, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type SetupLab, startSetupLab } from '../support/setup-lab.ts';
import { makeKey } from './lab.ts';

let lab: SetupLab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

async function open(options: Parameters<typeof startSetupLab>[0] = {}): Promise<SetupLab> {
  lab = await startSetupLab(options);
  return lab;
}

interface ProblemDocument {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

const problem = ({ body }: { readonly body: string }) => JSON.parse(body) as ProblemDocument;
const ADMINISTRATOR = { name: 'alice', password: 'a password for tests' };
const EMBEDDED = { kind: 'embedded', zone: 'dyn.example.com', addresses: '192.0.2.1, 2001:db8::1' };

describe('who may use the setup', () => {
  beforeEach(() => open());

  it('says without a session only that it is the setup', async () => {
    const { status, body } = await ask({ port: lab!.port }, '/v1/sign-in');
    expect([status, JSON.parse(body)]).toEqual([200, { ways: [], hasUsers: false, setup: true, signedIn: false }]);
  });

  it.each(['GET /v1/setup', 'POST /v1/setup/finish', 'PUT /v1/setup/zone', 'GET /v1/hosts', 'GET /v1/nothing'])(
    '%s without a session is answered with 401',
    async (route) => {
      const answer = await lab!.send(route, route.startsWith('GET') ? undefined : {});
      expect([answer.status, problem(answer).code]).toEqual([401, 'not-authenticated']);
    },
  );

  it('exchanges the link for a cookie once', async () => {
    const { link, port } = lab!;
    const first = await lab!.send('POST /v1/setup/session', { link });
    expect(first.status).toBe(200);
    expect(first.headers['set-cookie']).toEqual([
      expect.stringMatching(/^dyndns_setup=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect((await lab!.send('GET /v1/setup')).status).toBe(200);
    expect(await lab!.call('GET /v1/sign-in')).toMatchObject({ setup: true, signedIn: true });
    const second = await lab!.send('POST /v1/setup/session', { link });
    expect([second.status, problem(second).detail]).toEqual([401, expect.stringContaining('was used already')]);
    const stolen = await ask({ port }, '/v1/setup', { headers: { Cookie: `dyndns_setup=${link}` } });
    expect(stolen.status).toBe(401);
  });

  it('is refused for another Host, on the page too, and changes nothing', async () => {
    const { port, link } = lab!;
    for (const host of ['dyndns.example.com', `attacker.example:${port}`, '192.0.2.1', 'localhost.example.com']) {
      for (const path of ['/ui/', '/v1/sign-in', '/']) {
        const answer = await ask({ port }, path, { headers: { Host: host } });
        expect([host, path, answer.status]).toEqual([host, path, 421]);
      }
      const used = await lab!.send('POST /v1/setup/session', { link }, { headers: { Host: host } });
      expect(used.status).toBe(421);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '127.8.9.10', `[::1]:${port}`]) {
      expect((await ask({ port }, '/v1/sign-in', { headers: { Host: host } })).status).toBe(200);
    }
    expect((await lab!.send('POST /v1/setup/session', { link })).status).toBe(200);
  });

  it.each([
    [{ Origin: 'https://attacker.example' }],
    [{ Origin: 'null' }],
    [{ Origin: '' }],
    [{ 'Sec-Fetch-Site': 'cross-site' }],
    [{ 'Sec-Fetch-Site': 'same-site' }],
    [{ 'Sec-Fetch-Site': 'none' }],
    [{ 'Sec-Fetch-Site': '' }],
  ])('a change with %j is refused, and the link stays good', async (headers) => {
    const { link } = lab!;
    const refused = await lab!.send('POST /v1/setup/session', { link }, { headers });
    expect([refused.status, problem(refused).code]).toEqual([403, 'cross-site']);
    await lab!.signIn();
    const change = await lab!.send('PUT /v1/setup/administrator', ADMINISTRATOR, { headers });
    expect(change.status).toBe(403);
    expect(await lab!.call('GET /v1/setup')).not.toHaveProperty('administrator');
  });

  it('stops guessing of one source after some attempts, and says how long to wait', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 40; attempt += 1) {
      statuses.push((await lab!.send('POST /v1/setup/session', { link: `guess-${attempt}` })).status);
    }
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
    const last = await lab!.send('POST /v1/setup/session', { link: lab!.link });
    expect([last.status, problem(last).code]).toEqual([503, 'too-many-guesses']);
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('serves the page, leads to it from /, and to nothing else', async () => {
    const { port } = lab!;
    const page = await ask({ port }, '/ui/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    const root = await ask({ port }, '/');
    expect([root.status, root.headers.location]).toEqual([302, './ui/']);
    expect((await ask({ port }, '/nic/update?hostname=a.example.com&myip=192.0.2.1')).status).toBe(401);
  });
});

it('with --url only that host and origin are served, with a cookie for https', async () => {
  const { port, link } = await open({ args: ['--url', 'https://dyndns.example.com'] });
  expect(lab!.process.output()).toContain(`https://dyndns.example.com/ui/#setup=${link}`);
  expect((await ask({ port }, '/v1/sign-in')).status).toBe(421);
  const headers = { Host: 'dyndns.example.com', Origin: 'https://dyndns.example.com' };
  const used = await lab!.send('POST /v1/setup/session', { link }, { headers });
  expect(used.headers['set-cookie']?.[0]).toMatch(/^__Host-dyndns_setup=\S+; .*; Secure$/);
});

describe('the steps', () => {
  beforeEach(async () => {
    await open();
    await lab!.signIn();
  });

  it.each([
    ['administrator', { name: 'Alice', password: 'long enough' }, '/name'],
    ['administrator', { name: 'alice', password: 'short' }, '/password'],
    ['administrator', { name: 'alice' }, '/password'],
    ['administrator', { name: ['alice'], password: 'long enough' }, '/name'],
    ['zone', { kind: 'embedded', zone: '', addresses: '192.0.2.1' }, '/zone'],
    ['zone', { kind: 'embedded', zone: 'a..b', addresses: '192.0.2.1' }, '/zone'],
    ['zone', { kind: 'embedded', zone: '*.example.com', addresses: '192.0.2.1' }, '/zone'],
    ['zone', { ...EMBEDDED, addresses: '' }, '/addresses'],
    ['zone', { ...EMBEDDED, addresses: 'here' }, '/addresses'],
    ['zone', { ...EMBEDDED, ns: 'ns1' }, '/ns'],
    ['zone', { ...EMBEDDED, contact: 'me' }, '/contact'],
    ['zone', { ...EMBEDDED, more: 'x' }, '/more'],
    ['zone', { ...EMBEDDED, kind: 'both' }, '/kind'],
    ['zone', { kind: 'remote', zone: LAB_ZONE, nameserver: 'ns', key: 'AAAA' }, '/nameserver'],
    ['zone', { kind: 'remote', zone: LAB_ZONE, nameserver: '127.0.0.1', key: 'not base64' }, '/key'],
    ['zone', { kind: 'remote', zone: LAB_ZONE, nameserver: '127.0.0.1', port: '0', key: 'AAAA' }, '/port'],
    ['listen', { http: 'everyone' }, '/http'],
    ['listen', { http: 'https', names: '' }, '/names'],
    ['listen', { http: 'machine', dns: '127.0.0.1:99999' }, '/dns'],
  ])('%s: %j is refused with the place, and nothing is kept', async (step, body, pointer) => {
    const before = await lab!.call('GET /v1/setup');
    const answer = await lab!.send(`PUT /v1/setup/${step}`, body);
    expect([answer.status, problem(answer).errors?.[0]]).toMatchObject([400, { pointer, detail: /./ }]);
    expect(answer.body).not.toContain('not base64');
    expect(await lab!.call('GET /v1/setup')).toEqual(before);
  });

  it.each([
    ['{"name": "a", "name": "b"}', 400],
    ['[]', 400],
    ['{', 400],
    [`{"name": "${'a'.repeat(70_000)}"}`, 413],
  ])('a body that is not what a step takes is refused', async (body, status) => {
    expect((await lab!.send('PUT /v1/setup/administrator', body)).status).toBe(status);
  });

  it('shows what was answered, and no password', async () => {
    await lab!.call('PUT /v1/setup/administrator', ADMINISTRATOR);
    const state = await lab!.call('PUT /v1/setup/zone', EMBEDDED);
    expect(JSON.stringify(state)).not.toContain(ADMINISTRATOR.password);
    expect(state).toMatchObject({
      administrator: { name: 'alice' },
      zone: {
        zone: 'dyn.example.com',
        ns: ['ns1.dyn.example.com.'],
        contact: 'hostmaster@dyn.example.com',
        parent: {
          name: 'example.com.',
          isAtRegistrar: false,
          lines: [
            'dyn.example.com. IN NS ns1.dyn.example.com.',
            'ns1.dyn.example.com. IN A 192.0.2.1',
            'ns1.dyn.example.com. IN AAAA 2001:db8::1',
          ],
        },
      },
    });
  });

  it('refuses the last step and the checks before the others were answered', async () => {
    for (const step of ['checks', 'preview', 'finish']) {
      const answer = await lab!.send(`POST /v1/setup/${step}`, {});
      expect([step, answer.status, problem(answer).detail]).toEqual([step, 409, "The step 'zone' has no answer yet."]);
    }
  });

  it('says of a port that is taken which one it is and who has it, and that the own port is handed over', async () => {
    const port = await freePort();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    try {
      await lab!.call('PUT /v1/setup/zone', { ...EMBEDDED, zone: 'dyn.home.arpa' });
      await lab!.call('PUT /v1/setup/listen', { dns: `127.0.0.1:${port}` });
      const { findings } = await lab!.call<{ findings: { group: string; status: string; advice?: string }[] }>(
        'POST /v1/setup/checks',
        {},
      );
      const ports = findings.filter(({ group }) => group === 'ports');
      expect(ports).toMatchObject([
        { status: 'problem', text: `DNS cannot use 127.0.0.1:${port}.`, advice: expect.stringMatching(/uses|another/) },
        { status: 'ok', text: expect.stringContaining(`127.0.0.1:${lab!.port}`) },
      ]);
      expect(ports[0]!.advice).toContain(`process ${process.pid}`);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  it('shows the file with its secrets hidden', async () => {
    await lab!.call('PUT /v1/setup/zone', EMBEDDED);
    await lab!.call('PUT /v1/setup/listen', { http: 'https', names: 'api.dyn.example.com' });
    const { file, text } = await lab!.call<{ file: string; text: string }>('POST /v1/setup/preview', {});
    expect(file).toBe(join(lab!.directory, 'dyndns.yml'));
    expect(text).toContain("secret: '[secret]'\n");
    expect(text).toContain("names: ['api.dyn.example.com']");
    expect(text).toContain('admin:\n  enabled: true\n');
    expect(text).toContain('api.dyn.example.com. IN A 192.0.2.1\n');
  });

  it('ends on Ctrl-C with 130, and leaves nothing behind; a new start has a new link', async () => {
    await lab!.call('PUT /v1/setup/administrator', ADMINISTRATOR);
    await lab!.call('PUT /v1/setup/zone', EMBEDDED);
    lab!.process.signal('SIGINT');
    expect(await lab!.process.ended).toBe(130);
    expect(readdirSync(lab!.directory)).toEqual([]);
    const { link, directory } = lab!;
    await open({ directory });
    expect(lab!.link).not.toBe(link);
    const old = await lab!.send('POST /v1/setup/session', { link });
    expect(old.status).toBe(401);
  });
});

describe('the last step', () => {
  async function answered(dnsPort: number): Promise<void> {
    await open();
    await lab!.signIn();
    await lab!.call('PUT /v1/setup/administrator', ADMINISTRATOR);
    await lab!.call('PUT /v1/setup/zone', EMBEDDED);
    await lab!.call('PUT /v1/setup/listen', { dns: `127.0.0.1:${dnsPort}` });
  }

  it('writes the file, and the server answers at the same port with the zone and the administrator', async () => {
    const dnsPort = await freePort();
    await answered(dnsPort);
    const { url } = await lab!.call<{ url: string }>('POST /v1/setup/finish', {});
    expect(url).toMatch(/^\.\/#link=[\w-]{43}$/);
    const link = url.slice(url.indexOf('=') + 1);
    for (const [credential, status] of [
      [{ link }, 200],
      [{ link }, 401],
      [{ user: 'alice', password: ADMINISTRATOR.password }, 200],
      [{ user: 'alice', password: 'another password' }, 401],
    ] as const) {
      expect((await lab!.send('POST /v1/sign-in', credential)).status).toBe(status);
    }
    const file = join(lab!.directory, 'dyndns.yml');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.new`)).toBe(false);
    expect((await ask({ port: lab!.port }, '/ui/')).status).toBe(200);
    expect((await ask({ port: lab!.port }, '/v1/setup')).status).not.toBe(200);
    const answer = await dig({ host: '127.0.0.1', port: dnsPort }, ['ns1.dyn.example.com', 'A']);
    expect([...answer.short]).toEqual(['192.0.2.1']);
    const users = await runDyndns(['-c', file, 'user', 'list', '--json'], { cwd: lab!.directory });
    expect(JSON.parse(users.stdout)).toMatchObject([{ name: 'alice', role: 'admin' }]);
    const check = await runDyndns(['-c', file, 'config', '--check'], { cwd: lab!.directory });
    expect([check.code, check.stderr]).toEqual([0, '']);
    lab!.process.signal('SIGTERM');
    expect(await lab!.process.ended).toBe(0);
    expect(lab!.process.output()).not.toContain(ADMINISTRATOR.password);
  });

  it('that fails leaves no file and no database, says what to do, and can be repeated', async () => {
    const dnsPort = await freePort();
    await answered(dnsPort);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(dnsPort, '127.0.0.1', resolve));
    const failed = await lab!.send('POST /v1/setup/finish', {});
    expect([failed.status, problem(failed).detail]).toEqual([409, expect.stringContaining(`127.0.0.1:${dnsPort}`)]);
    expect(readdirSync(lab!.directory)).toEqual([]);
    await new Promise((resolve) => taken.close(resolve));
    // The wizard is there again, with its answers and its session.
    expect(await lab!.call('GET /v1/setup')).toMatchObject({ administrator: { name: 'alice' } });
    expect((await lab!.send('POST /v1/setup/finish', {})).status).toBe(200);
    expect(existsSync(join(lab!.directory, 'dyndns.yml'))).toBe(true);
  });

  it('that a SIGKILL interrupts before it began leaves nothing behind', async () => {
    await answered(await freePort());
    lab!.process.signal('SIGKILL');
    await lab!.process.ended;
    expect(readdirSync(lab!.directory)).toEqual([]);
  });
});

describe('serve --setup', () => {
  it('runs the setup where there is no configuration, and the server where there is one', async () => {
    const directory = freshDirectory('serve-setup');
    const [http, dns] = [await freePort(), await freePort()];
    const env = {
      PATH: process.env['PATH'],
      dyndns_CONFIG_FILE: join(directory, 'dyndns.yml'),
      // As the image for containers has it.
      DYNDNS_HTTP_LISTEN: `0.0.0.0:${http}`,
      DYNDNS_DNS_LISTEN: `127.0.0.1:${dns}`,
    };
    const start = (ready: string) =>
      startProcess({
        command: process.execPath,
        args: [MAIN, 'serve', '--setup'],
        cwd: directory,
        env,
        ready: (output) => output.includes(ready),
        readyTimeoutMs: 60_000,
      });
    let server = await start('#setup=');
    try {
      const link = new RegExp(`http://127\\.0\\.0\\.1:${http}/ui/#setup=(\\S+)`).exec(server.output())?.[1];
      const headers: Record<string, string> = { Origin: `http://127.0.0.1:${http}`, 'Sec-Fetch-Site': 'same-origin' };
      const send = (method: string, step: string, body: object) =>
        ask({ port: http }, `/v1/setup/${step}`, { method, headers, body: JSON.stringify(body) });
      headers['Cookie'] = (await send('POST', 'session', { link })).headers['set-cookie']![0]!.split(';', 1)[0]!;
      await send('PUT', 'administrator', ADMINISTRATOR);
      await send('PUT', 'zone', EMBEDDED);
      const fixed = await send('PUT', 'listen', { http: 'network' });
      expect([fixed.status, problem(fixed).errors]).toMatchObject([400, [{ pointer: '/http' }]]);
      const finished = await send('POST', 'finish', {});
      expect([finished.status, finished.body]).toEqual([200, expect.stringContaining('./#link=')]);
      expect(readFileSync(join(directory, 'dyndns.yml'), 'utf8')).not.toContain('http:');
      await server.stop();
      server = await start('listening on http');
      expect(server.output()).not.toContain('#setup=');
    } finally {
      await server.stop();
      removeNow(directory);
    }
  });
});

it('is refused where there is a configuration, with the command that starts the server', async () => {
  const directory = freshDirectory('setup-again');
  writeFileSync(join(directory, 'dyndns.yml'), 'secret: abcdefgh\n');
  const { code, stderr } = await runDyndns(['setup', '--file', 'dyndns.yml'], { cwd: directory });
  expect([code, stderr]).toEqual([2, expect.stringContaining('--config dyndns.yml serve')]);
  expect(readFileSync(join(directory, 'dyndns.yml'), 'utf8')).toBe('secret: abcdefgh\n');
  removeNow(directory);
});

describeWith(BIND_PROGRAMS, 'an existing primary', () => {
  const KEY = makeKey('dyn.example.com');
  let primary: PrimaryServer | undefined;
  afterEach(async () => {
    await primary?.stop();
    primary = undefined;
  });

  const remote = (port: number, more: object = {}) => ({
    kind: 'remote',
    zone: 'dyn.example.com',
    nameserver: '127.0.0.1',
    port: String(port),
    key: KEY.secret,
    ...more,
  });

  async function openWithBind(options: Partial<Parameters<typeof startBind>[0]> = {}): Promise<number> {
    primary = await startBind({ zones: [{ name: 'dyn.example.com' }], keys: [KEY], ...options });
    await open();
    await lab!.signIn();
    return primary.port;
  }

  it('whose key is accepted becomes the zone, and the server changes it', async () => {
    const port = await openWithBind();
    const state = await lab!.call('PUT /v1/setup/zone', remote(port));
    expect(state).toMatchObject({ zone: { kind: 'remote', nameserver: '127.0.0.1', port } });
    expect(JSON.stringify(state)).not.toContain(KEY.secret);
    const { findings } = await lab!.call<{ findings: { group: string; status: string }[] }>(
      'POST /v1/setup/checks',
      {},
    );
    expect(findings.filter(({ group }) => group === 'primary').map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    const { text } = await lab!.call<{ text: string }>('POST /v1/setup/preview', {});
    expect(text).not.toContain(KEY.secret);
    await lab!.call('PUT /v1/setup/administrator', ADMINISTRATOR);
    await lab!.call('POST /v1/setup/finish', {});
    const check = await runDyndns(['-c', join(lab!.directory, 'dyndns.yml'), 'check'], { cwd: lab!.directory });
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('dyn.example.com')]);
  });

  it.each([
    ['another secret', { key: Buffer.from('another secret of the key').toString('base64') }, 'BADSIG'],
    ['another name', { keyName: 'other.example.com' }, 'BADKEY'],
    ['a zone that it does not have', { zone: 'other.example' }, 'REFUSED'],
  ])('refuses %s: the reason is shown, and the step is not answered', async (_, more, reason) => {
    const port = await openWithBind();
    const answer = await lab!.send('PUT /v1/setup/zone', remote(port, more));
    expect([answer.status, problem(answer).detail]).toEqual([502, expect.stringContaining(reason)]);
    expect(answer.body).not.toContain(KEY.secret);
    expect(await lab!.call('GET /v1/setup')).not.toHaveProperty('zone');
  });

  it('that does not let the key update says so', async () => {
    const port = await openWithBind({ allowUpdate: false });
    const answer = await lab!.send('PUT /v1/setup/zone', remote(port));
    expect(problem(answer)).toMatchObject({
      code: 'primary-key-rejected',
      detail: expect.stringMatching(/may not update the zone.*allow-update/s),
    });
  });

  it('that does not answer says so', async () => {
    await open();
    await lab!.signIn();
    const answer = await lab!.send('PUT /v1/setup/zone', remote(await freePort()));
    expect([answer.status, problem(answer).code]).toEqual([502, 'primary-unreachable']);
  });

  it('gets the lines for its own configuration with a new key', async () => {
    await open();
    await lab!.signIn();
    const made = await lab!.call<{ key: string; lines: string }>('POST /v1/setup/key', {
      zone: 'dyn.example.com',
      primary: 'bind',
    });
    expect(Buffer.from(made.key, 'base64')).toHaveLength(64);
    expect(made.lines).toContain(`secret "${made.key}";`);
  });

  it('the delegation of a new zone is checked before anything is applied, with the lines to add', async () => {
    const dns = await openDelegationLab({ key: makeKey(LAB_ZONE), delegation: '' });
    try {
      await open({ args: ['--resolver', `${ROOT}:${dns.port}`, '--nameserver-port', String(dns.port)] });
      await lab!.signIn();
      await lab!.call('PUT /v1/setup/zone', { ...EMBEDDED, zone: LAB_ZONE, addresses: '127.0.0.2' });
      await lab!.call('PUT /v1/setup/listen', { dns: `127.0.0.1:${await freePort()}` });
      const { findings } = await lab!.call<{ findings: object[] }>('POST /v1/setup/checks', {});
      expect(findings).toContainEqual({
        group: 'delegation',
        status: 'problem',
        text: expect.stringContaining("'example.com.' does not delegate"),
        advice: expect.stringContaining('ns1.dyn.example.com. 3600 IN A 127.0.0.2'),
      });
      expect(readdirSync(lab!.directory)).toEqual([]);
    } finally {
      await dns.stop();
    }
  });

  it('a delegation that is right is ok', async () => {
    const dns = await openDelegationLab({ key: makeKey(LAB_ZONE), delegation: DELEGATION.replace(/.*ns2.*\n/g, '') });
    try {
      await open({ args: ['--resolver', `${ROOT}:${dns.port}`, '--nameserver-port', String(dns.port)] });
      await lab!.signIn();
      await lab!.call('PUT /v1/setup/zone', { ...EMBEDDED, zone: LAB_ZONE, addresses: '127.0.0.2' });
      const { findings } = await lab!.call<{ findings: { group: string; status: string }[] }>(
        'POST /v1/setup/checks',
        {},
      );
      const delegation = findings.filter(({ group }) => group === 'delegation');
      expect(delegation.map(({ status }) => status)).toEqual(['ok', 'ok']);
    } finally {
      await dns.stop();
    }
  });
});

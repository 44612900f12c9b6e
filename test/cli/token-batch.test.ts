/** `dyndns token create --batch`: many customers in one request, with the built program, here and on another machine. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/cli/csv.ts';
import { type Commands, commandsOf } from '../support/commands.ts';
import { runDyndns } from '../support/dyndns.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';

const ZONE = 'dyn.example.com';

describe('token create --batch', () => {
  let server: EmbeddedServer;
  let commands: Commands;
  let directory: string;
  let count = 0;
  /** Different names for each test. */
  let prefix = '';
  beforeAll(async () => {
    directory = freshDirectory('batch');
    server = await startEmbedded({ zone: ZONE, config: { store: 'sqlite:dyndns.db', admin: { enabled: true } } });
    commands = commandsOf(server.dyndns.configFile);
    await commands.run('user', 'create', 'alice', '--admin');
    const { secret } = await commands.json('user', 'key', 'alice', '--name', 'laptop');
    writeFileSync(path('key'), secret, { mode: 0o600 });
  });
  beforeEach(() => {
    count += 1;
    prefix = `t${count}-`;
  });
  afterAll(async () => {
    await server?.stop();
    removeNow(directory);
  });

  const path = (name: string) => join(directory, name);
  const write = (name: string, text: string) => {
    writeFileSync(path(name), text);
    return path(name);
  };
  const create = (...args: readonly string[]) =>
    runDyndns(['-c', server.dyndns.configFile, 'token', 'create', ...args], { cwd: directory });
  const update = async (secret: string, host: string) => {
    const target = `/update-by-query?fqdn=${host}&ipv4=192.0.2.1`;
    return (await server.dyndns.ask(target, { headers: { Authorization: `Bearer ${secret}` } })).status;
  };
  const rows = (customers: number, first = 1) =>
    Array.from({ length: customers }, (_, index) => {
      const name = `${prefix}${first + index}`;
      return `${name},${name}.${ZONE},${name}\n`;
    }).join('');

  it('a CSV file: the secrets are printed once as CSV, and each works for its host alone', async () => {
    const file = write('three.csv', `token,host,owner\n${rows(3)}`);
    const { code, stdout, stderr } = await create('--batch', file, '--create-owners');
    expect([code, stderr]).toEqual([0, '3 tokens were created.\n']);
    const [head, ...body] = parseCsv(stdout).map(({ cells }) => cells);
    expect(head).toEqual(['name', 'host', 'owner', 'secret']);
    expect(body.map((cells) => cells.slice(0, 3).join())).toEqual(rows(3).trim().split('\n'));
    const [, host, , secret] = body[0]!;
    expect([await update(secret!, host!), await update(secret!, body[1]![1]!)]).toEqual([200, 453]);
    expect(await commands.json('host', 'show', host!)).toMatchObject({ owner: `${prefix}1` });
    expect(server.dyndns.process.output()).not.toContain(secret);
  });

  it('a JSON file to another machine, with the secrets in a new file that only its owner reads', async () => {
    const tokens = [1, 2].map((number) => ({ name: `${prefix}${number}`, hosts: [`${prefix}${number}.${ZONE}`] }));
    const file = write('two.json', JSON.stringify({ tokens }));
    const remote = ['--remote', `http://127.0.0.1:${server.dyndns.port}`, '--key-file', path('key')];
    const args = [...remote, 'token', 'create', '--batch', file, '--output', path('secrets.json')];
    const made = await runDyndns(args, { cwd: directory, env: { PATH: process.env['PATH'] } });
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toBe(
      `2 tokens were created. The secrets are in ${path('secrets.json')}, which only you can read.\n`,
    );
    expect(statSync(path('secrets.json')).mode & 0o777).toBe(0o600);
    const written = JSON.parse(readFileSync(path('secrets.json'), 'utf8'));
    expect(written.map(({ token }: { token: { name: string } }) => token.name)).toEqual([`${prefix}1`, `${prefix}2`]);
    expect(await update(written[0].secret, tokens[0]!.hosts[0]!)).toBe(200);
    const again = await runDyndns(args, { cwd: directory });
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('it exists already')]);
    expect(JSON.parse(readFileSync(path('secrets.json'), 'utf8'))).toEqual(written);
  });

  it('the standard input, and an output of the other format', async () => {
    const args = ['--batch', '-', '--format', 'csv', '--output', path('out.json'), '--create-owners'];
    const options = { cwd: directory, input: `\ufeffname,host,owner\r\n${rows(1).replace('\n', '\r\n')}` };
    const made = await runDyndns(['-c', server.dyndns.configFile, 'token', 'create', ...args], options);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(path('out.json'), 'utf8'))[0].token.owner).toBe(`${prefix}1`);
  });

  it('one wrong row: nothing is done, also not an output file, and the line and the column are named', async () => {
    const wrong = `${prefix}9,home.example.org,${prefix}9\n`;
    const file = write('wrong.csv', `name,host,owner\n${rows(2)}${wrong}`);
    const { code, stdout, stderr } = await create(
      '--batch',
      file,
      '--create-owners',
      '--output',
      path('wrong-out.csv'),
    );
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      expect.stringMatching(/^dyndns: Nothing was created\.\n.*wrong\.csv, line 4, column host: .*home\.example\.org/),
    ]);
    expect(existsSync(path('wrong-out.csv'))).toBe(false);
    expect(await commands.run('token', 'list', '--all')).not.toContain(prefix);
    expect(await commands.run('user', 'list')).not.toContain(prefix);
    await create('--batch', write('good.csv', `name,host,owner\n${rows(2)}`), '--create-owners');
    const taken = await create('--batch', write('more.csv', `name,host,owner\n${rows(2, 2)}`), '--create-owners');
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringMatching(/^ERROR: Nothing was created\.\n.*more\.csv, line 2, column \w+: /),
    ]);
    expect(await commands.run('token', 'list')).not.toMatch(RegExp(`^${prefix}3 `, 'm'));
  });

  it('an owner who does not exist is an error without --create-owners', async () => {
    const file = write('owner.csv', `name,host,owner\n${rows(1)}`);
    expect(await create('--batch', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`line 2, column owner: There is no user '${prefix}1'.`),
    });
  });

  it.each([
    [['--batch', 'none.csv'], "The file 'none.csv' cannot be read (ENOENT)"],
    [['--batch', 'x.txt'], '--format csv or --format json'],
    [['--batch', '-'], '--format csv or --format json'],
    [['--batch', 'x.csv', 'name'], 'With --batch the names are in the file'],
    [['--batch', 'x.csv', '--host', 'a.example.com'], '--host is for one token'],
    [['--batch', 'x.csv', '--max-unused-days', '9'], '--max-unused-days is for one token'],
    [['--batch', 'x.csv', '--for', 'curl'], '--for is for one token'],
    [['x', '--host', `x.${ZONE}`, '--output', 'y'], '--output is for --batch'],
    [['x', '--host', `x.${ZONE}`, '--create-owners'], '--create-owners is for --batch'],
    [['x', '--host', `x.${ZONE}`, '--print-only', '--owner', 'alice'], '--owner is for tokens that are stored'],
    [[], "missing required argument 'name'"],
  ])('%j is wrong usage', async (args, text) => {
    write('x.csv', 'name,host\n');
    const { code, stderr } = await create(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it('a file that is not text, and one that is too long, are refused before anything is sent', async () => {
    writeFileSync(path('binary.csv'), Buffer.from([0x6e, 0xff, 0xfe, 0x0a]));
    expect((await create('--batch', path('binary.csv'))).stderr).toContain('is not text in UTF-8');
    write('long.csv', `name,host\n${'x'.repeat(17 * 1024 * 1024)}`);
    expect((await create('--batch', path('long.csv'))).stderr).toContain(
      'has more than 16777216 octets: split the file',
    );
  });

  it('2,000 customers in one request take seconds, here and over HTTP', { timeout: 120_000 }, async () => {
    const remote = ['--remote', `http://127.0.0.1:${server.dyndns.port}`, '--key-file', path('key')];
    for (const [index, target] of [['-c', server.dyndns.configFile], remote].entries()) {
      const file = write(`many${index}.csv`, `name,host,owner\n${rows(2000, 1 + index * 2000)}`);
      const startMs = performance.now();
      const args = [...target, 'token', 'create', '--batch', file, '--create-owners'];
      const { code, stdout, stderr } = await runDyndns(args, { cwd: directory });
      const seconds = (performance.now() - startMs) / 1000;
      expect([code, stderr]).toEqual([0, '2000 tokens were created.\n']);
      const made = parseCsv(stdout).slice(1);
      expect([made.length, new Set(made.map(({ cells }) => cells[3])).size]).toEqual([2000, 2000]);
      const [, host, , secret] = made.at(-1)!.cells;
      expect(await update(secret!, host!)).toBe(200);
      console.log(`2,000 customers: ${seconds.toFixed(1)} s`);
      expect(seconds).toBeLessThan(30);
    }
    const listed = await runDyndns([...remote, 'token', 'list', '--search', prefix, '--json'], { cwd: directory });
    expect(JSON.parse(listed.stdout)).toHaveLength(4000);
    const hosts = await runDyndns([...remote, 'host', 'list', '--search', prefix, '--json'], { cwd: directory });
    expect(JSON.parse(hosts.stdout)).toHaveLength(4000);
  });
});

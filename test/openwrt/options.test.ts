/**
 * The command line and the configuration of the router script: options, exit codes, sources of values, and shellcheck.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../support/require-server.ts';
import { makeRouter, ROUTER_PROGRAMS, type Router, type RouterOptions, SCRIPT, SHELLS } from './router.ts';
import { SECRET, type StubServer, startStubServer } from './stub-server.ts';

const README = readFileSync(new URL('../../openwrt/README.md', import.meta.url), 'utf8');

describeWith([{ command: 'shellcheck', debianPackage: 'shellcheck' }], 'shellcheck', () => {
  it('finds no problems in the router script', () => {
    execFileSync('shellcheck', ['-s', 'sh', SCRIPT], { stdio: 'pipe' });
  });
});

describeWith(ROUTER_PROGRAMS, 'the command line of the router script', () => {
  let server: StubServer;
  let router: Router | undefined;
  beforeAll(async () => {
    server = await startStubServer();
  });
  afterAll(() => server?.close());
  afterEach(() => {
    router?.remove();
    server.seen.length = 0;
  });

  describe.each(SHELLS)('under %s', (shell) => {
    const zone = 'dyndns.example.com';
    const config = (): Record<string, string> => ({ SERVER: server.url, SECRET, ZONE: zone });
    const start = (more: Partial<RouterOptions> = {}): Router => {
      const ip = { 'br-lan': '    inet6 2001:db8::1/64 scope global' };
      router = makeRouter({ shell, transports: ['curl'], ip, ...more });
      return router;
    };

    it.each([
      { line: '-x home', code: 2, says: 'invalid option -x' },
      { line: '--unknown home', code: 2, says: 'invalid option --unknown' },
      { line: '--ipv4 home', code: 2, says: 'invalid option --ipv4' },
      { line: '-4 -6 -d br-lan home', code: 2, says: 'exclude each other' },
      { line: '-p -4 -d br-lan home', code: 2, says: 'omit -4 and -6' },
      { line: '-4 -t', code: 3, says: '-t needs an argument' },
      { line: '-4 --sleep', code: 3, says: '--sleep needs an argument' },
      { line: '-4 --ttl= home', code: 3, says: '--ttl needs an argument' },
      { line: '-d -4 home', code: 3, says: '-d needs an argument' },
      { line: '--ipv4-only=yes home', code: 4, says: '--ipv4-only takes no argument' },
      { line: '--help=me', code: 4, says: '--help takes no argument' },
      { line: '-4 -t soon home', code: 4, says: "'soon'" },
      { line: '-4 -S 1.5 home', code: 4, says: "'1.5'" },
      { line: '-6 -d br;lan home', code: 4, says: "'br;lan'" },
      { line: '-4 home other', code: 4, says: "'other' is one too many" },
      { line: '-4 home.example.org.', code: 4, says: "not in the zone 'dyndns.example.com'" },
      { line: '-4 ho$me', code: 4, says: 'is not a valid record name' },
      { line: 'home', code: 9, says: 'no device given' },
      { line: '-6 home', code: 9, says: 'no device given' },
      { line: '-p home', code: 9, says: 'no device given' },
      { line: '-4', code: 17, says: 'no record name' },
      { line: '-d br-lan', code: 17, says: 'no record name' },
      { line: '', code: 17, says: 'no record name' },
    ])('"$line" ends with $code and says why', async ({ line, code, says }) => {
      const run = await start({ config: config() }).run(line === '' ? [] : line.split(' '));
      expect(run.stderr).toContain(says);
      expect(run.stdout).toBe('');
      expect(run.code).toBe(code);
      expect(server.seen).toEqual([]);
    });

    it.each([
      { record: 'home', name: 'home' },
      { record: 'a.b', name: 'a.b' },
      { record: 'HOME.DynDNS.example.com', name: 'home' },
      { record: 'home.dyndns.example.com.', name: 'home' },
      { record: 'dyndns.example.com', name: '@' },
      { record: '@', name: '@' },
      { record: '*', name: '*' },
      { record: 'evildyndns.example.com', name: 'evildyndns.example.com' },
    ])('the record "$record" is sent as "$name"', async ({ record, name }) => {
      const run = await start({ config: config() }).run(['-4', record]);
      expect(run.code).toBe(0);
      expect(server.seen.at(-1)?.form).toMatchObject({ record_name: name, zone_name: zone });
    });

    it.each([
      { line: '-S 3 -t 60 -d br-lan home' },
      { line: '-S3 -t60 -dbr-lan home' },
      { line: '--sleep 3 --ttl 60 --device br-lan home' },
      { line: '--sleep=3 --ttl=60 --device=br-lan -- home' },
    ])('"$line" sleeps, sets the TTL and takes the device', async ({ line }) => {
      const device = start({ config: config() });
      device.addProgram('sleep', ':');
      const run = await device.run(line.split(' '));
      expect(run.stderr).toBe('');
      expect(run.calls).toContain('sleep 3 ');
      expect(server.seen.at(-1)?.form).toMatchObject({ ttl: '60', ipv6: '2001:db8::1', ipv4: '198.51.100.7' });
    });

    it('-h, -s and -v need no configuration', async () => {
      const device = start();
      const help = await device.run(['-h']);
      expect(help.code).toBe(0);
      for (const option of ['-4, --ipv4-only', '-6, --ipv6-only', '-d, --device', '-h, --help', '-p, --prefix-only']) {
        expect(help.stdout).toContain(option);
      }
      for (const option of ['-s, --short-description', '-S, --sleep', '-t, --ttl', '-v, --version', '<record-name>']) {
        expect(help.stdout).toContain(option);
      }
      expect((await device.run(['--help'])).stdout).toBe(help.stdout);
      const description = await device.run(['-s']);
      expect(description.stdout).toMatch(/^[^\n]+\n$/);
      expect((await device.run(['--short-description'])).stdout).toBe(description.stdout);
      const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
      expect((await device.run(['-v'])).stdout).toBe(`dyndns-update-script.sh ${version}\n`);
      expect((await device.run(['--version'])).code).toBe(0);
    });

    describe('reads its values', () => {
      const uci = (secret: string): string =>
        `# comment\nconfig other 'guest'\n\toption server 'wrong.example.com'\n\nconfig dyndns 'main'\n\toption server '${server.url}'\n` +
        `\toption zone "uci.example.com" # the zone\n\toption secret '${secret}'\n\toption ttl 90\n`;

      it('from a UCI file, without the program uci', async () => {
        const run = await start({ uci: uci(SECRET) }).run(['-4', 'home']);
        expect(run.stderr).toBe('');
        expect(server.seen.at(-1)?.form).toMatchObject({ secret: SECRET, zone_name: 'uci.example.com', ttl: '90' });
      });

      it('from the program uci if it is installed', async () => {
        const device = start({ uci: '' });
        const values = { server: server.url, secret: SECRET, zone: 'program.example.com' };
        const cases = Object.entries(values).map(([key, value]) => `*" get dyndns.main.${key}") echo '${value}' ;;`);
        device.addProgram('uci', `case "$*" in ${cases.join('\n')}\n*) exit 1 ;; esac`);
        const run = await device.run(['-4', 'home']);
        expect(run.stderr).toBe('');
        expect(run.calls).not.toContain(SECRET);
        expect(server.seen.at(-1)?.form).toMatchObject({ secret: SECRET, zone_name: 'program.example.com' });
      });

      it('from the sourced file before the UCI file, value by value, and from -t before both', async () => {
        const device = start({ uci: uci('wrong-secret'), config: { SECRET, TTL: '120' } });
        expect((await device.run(['-4', 'home'])).code).toBe(0);
        expect(server.seen.at(-1)?.form).toMatchObject({ secret: SECRET, zone_name: 'uci.example.com', ttl: '120' });
        await device.run(['-t', '30', '-4', 'home']);
        expect(server.seen.at(-1)?.form).toMatchObject({ ttl: '30' });
      });

      it('from the top of the script, after both files', async () => {
        const device = start({ uci: '' });
        const edited = readFileSync(SCRIPT, 'utf8')
          .replace("\nSERVER=''", `\nSERVER='${server.url}'`)
          .replace("\nSECRET=''", `\nSECRET='${SECRET}'`)
          .replace("\nZONE=''", "\nZONE='Top.example.com.'");
        writeFileSync(join(device.directory, 'edited.sh'), edited);
        const run = await device.run(['-4', 'home'], {}, join(device.directory, 'edited.sh'));
        expect(run.stderr).toBe('');
        expect(server.seen.at(-1)?.form).toMatchObject({ secret: SECRET, zone_name: 'top.example.com' });
      });

      it('and not from the environment', async () => {
        const run = await start().run(['-4', 'home'], config());
        expect(run.code).toBe(8);
        expect(run.stderr).toContain('SERVER is not configured');
      });

      it.each([
        { change: { SERVER: '' }, says: 'SERVER is not configured' },
        { change: { SECRET: '' }, says: 'SECRET is not configured' },
        { change: { ZONE: '' }, says: 'ZONE is not configured' },
        { change: { SERVER: 'ftp://dyndns.example.com' }, says: 'https://' },
        { change: { SERVER: 'user@dyndns.example.com' }, says: 'is not a server name' },
        { change: { SERVER: 'dyndns.example.com"\nurl = "http://x' }, says: 'is not a server name' },
        { change: { SECRET: 'two words' }, says: 'printable ASCII' },
        { change: { ZONE: 'dyndns example' }, says: 'is not a valid zone name' },
        { change: { TTL: 'soon' }, says: "TTL 'soon'" },
        { change: { CA_FILE: '/nonexistent/ca.pem' }, says: 'CA_FILE' },
      ])('and refuses $change with 8', async ({ change, says }) => {
        const run = await start({ config: { ...config(), ...change } }).run(['-4', 'home']);
        expect(run.stderr).toContain(says);
        expect(run.stderr).not.toContain('two words');
        expect(run.code).toBe(8);
        expect(server.seen).toEqual([]);
      });

      it('and exits with 8 if the file named by DYNDNS_CONFIG is missing', async () => {
        const run = await start().run(['-4', 'home'], { DYNDNS_CONFIG: '/nonexistent/update.conf' });
        expect(run.code).toBe(8);
        expect(run.stderr).toContain("'/nonexistent/update.conf' (DYNDNS_CONFIG) cannot be read");
      });

      it('as the documentation shows them', async () => {
        const example = /```\n(config dyndns 'main'\n[^`]*)```/.exec(README)?.[1];
        expect(example).toBeDefined();
        const text = (example ?? '').replace("'dyndns.example.com'", `'${server.url}'`);
        const run = await start({ uci: text }).run(['-4', 'home']);
        expect(run.code).toBe(1);
        expect(server.seen.at(-1)?.form).toMatchObject({ secret: 'abcd1234', zone_name: 'dyndns.example.com' });
      });
    });
  });
});

describe('the documentation of the router script', () => {
  it('names every exit code of the script', () => {
    const codes = [...readFileSync(SCRIPT, 'utf8').matchAll(/^E_[A-Z_]+=(\d+)$/gm)].map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !README.includes(`| ${code} |`))).toEqual([]);
  });

  it('has the cron lines that are in use', () => {
    expect(README).toContain('*/2 * * * * /usr/bin/dyndns-update-script.sh -S 5 -d br-lan -4 nrouter\n');
    expect(README).toContain('*/2 * * * * /usr/bin/dyndns-update-script.sh -d br-lan -4 nuernberg\n');
  });
});

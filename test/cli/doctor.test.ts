/**
 * `dyndns doctor` on delegations that are correct, and broken in every way that it detects: real BINDs as root, parent,
 * resolver, primary and second nameserver, and the program as a process.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/doctor/ports.ts';
import { makeKey, SECRET } from '../e2e/lab.ts';
import {
  DELEGATION,
  type DelegationLab,
  type DelegationLabOptions,
  LAB_ZONE,
  openDelegationLab,
  PRIMARY,
  ROOT,
  SECONDARY,
} from '../support/delegation-lab.ts';
import { runDyndns, startDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const KEY = makeKey(LAB_ZONE);

let httpPort: number;
let listener: Server;
beforeAll(async () => {
  httpPort = await freePort();
  listener = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => listener.listen(httpPort, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => listener.close(resolve)));

let lab: DelegationLab | undefined;
const directory = freshDirectory('doctor');
afterAll(() => removeNow(directory));
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

async function open(options: Partial<DelegationLabOptions> = {}): Promise<DelegationLab> {
  lab = await openDelegationLab({ key: KEY, delegation: DELEGATION, ...options });
  return lab;
}

function writeConfig(port: number, more: object = {}): string {
  const file = join(directory, 'dyndns.yml');
  const config = {
    secret: SECRET,
    nameserver: PRIMARY,
    port,
    http: { listen: [`127.0.0.1:${httpPort}`] },
    zones: [{ name: LAB_ZONE, tsig_key: KEY.secret }],
    ...more,
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

function run(port: number, args: readonly string[] = [], more: object = {}) {
  const laboratory = ['--resolver', `${ROOT}:${port}`, '--nameserver-port', String(port)];
  return runDyndns(['-c', writeConfig(port, more), 'doctor', LAB_ZONE, ...laboratory, ...args]);
}

/** Returns the findings, and checks that the exit code agrees with them. */
async function examine(port: number, more: object = {}): Promise<readonly Finding[]> {
  const { code, stdout, stderr } = await run(port, ['--json'], more);
  expect(stderr).toBe('');
  const findings = JSON.parse(stdout) as Finding[];
  expect(code).toBe(findings.some(({ status }) => status === 'problem') ? 1 : 0);
  for (const finding of findings) {
    expect(Object.keys(finding)).toEqual(['check', 'status', 'text', 'advice']);
    if (finding.status === 'problem' || finding.status === 'warning') expect(finding.advice).toMatch(/\S/);
  }
  expect(stdout).not.toContain(KEY.secret);
  return findings;
}

function of(findings: readonly Finding[], check: string, status: string): string {
  return findings
    .filter((finding) => finding.check === check && finding.status === status)
    .map(({ text, advice }) => `${text}\n${advice ?? ''}`)
    .join('\n');
}

describeWith(BIND_PROGRAMS, 'a zone on real nameservers', () => {
  it('that is correct has no problem: exit code 0, and what this machine cannot check is not reported as ok', async () => {
    const { port } = await open();
    const findings = await examine(port);
    expect(findings.filter(({ status }) => status === 'problem')).toEqual([]);
    for (const check of ['primary', 'key', 'clock', 'delegation', 'nameservers', 'http']) {
      expect(of(findings, check, 'ok'), check).toMatch(/\S/);
    }
    expect(of(findings, 'delegation', 'ok')).toContain('delegates');
    expect(of(findings, 'nameservers', 'ok').match(/serial 100, same as the primary/g)).toHaveLength(2);
    expect(of(findings, 'outside', 'not checked')).toMatch(
      /Only a machine in another network can check.*\n.*another network/,
    );
    expect(of(findings, 'outside', 'warning')).toContain(`${PRIMARY} is a loopback address`);
  });

  it('whose hosts have private addresses: one warning names those that the configuration knows', async () => {
    const { port } = await open();
    const file = writeConfig(port);
    for (const [label, address] of [
      ['lan', '10.0.0.1'],
      ['web', '192.0.2.1'],
      ['other', '10.0.0.2'],
    ] as const) {
      expect(await runDyndns(['-c', file, 'update', `${label}.${LAB_ZONE}`, address])).toMatchObject({ code: 0 });
    }
    const hosts = [{ name: `lan.${LAB_ZONE}` }, { name: `web.${LAB_ZONE}` }];
    expect(of(await examine(port, { hosts }), 'outside', 'warning')).toContain(
      `private addresses, and these hosts have one: lan.${LAB_ZONE}. 10.0.0.1.`,
    );
    expect(of(await examine(port), 'outside', 'warning')).not.toContain('private addresses');
  });

  it('without a delegation: the lines to add at the parent', async () => {
    const { port } = await open({ delegation: '' });
    const findings = await examine(port);
    expect(of(findings, 'delegation', 'problem').split('\n').slice(-4)).toEqual([
      '  dyn.example.com. 3600 IN NS ns1.dyn.example.com.',
      '  dyn.example.com. 3600 IN NS ns2.dyn.example.com.',
      `  ns1.dyn.example.com. 3600 IN A ${PRIMARY}`,
      `  ns2.dyn.example.com. 3600 IN A ${SECONDARY}`,
    ]);
    expect(of(findings, 'delegation', 'problem')).toMatch(/^'example\.com\.' does not delegate .* answers NXDOMAIN/);
  });

  it('whose name has other data at the parent, and no NS records, is not delegated either', async () => {
    const { port } = await open({ delegation: 'dyn TXT "something"\n' });
    expect(of(await examine(port), 'delegation', 'problem')).toMatch(/answers that it has no NS records/);
  });

  it('with one nameserver missing and one extra at the parent', async () => {
    const { port } = await open({ delegation: `dyn NS ns1.dyn\ndyn NS ns9\nns1.dyn A ${PRIMARY}\nns9 A ${PRIMARY}\n` });
    const warnings = of(await examine(port), 'delegation', 'warning');
    expect(warnings).toContain("has an NS record for ns2.dyn.example.com., but 'example.com.' does not");
    expect(warnings).toContain('  dyn.example.com. 3600 IN NS ns2.dyn.example.com.');
    expect(warnings).toContain(
      "'example.com.' delegates 'dyn.example.com.' to ns9.example.com., but the zone has no such NS record",
    );
  });

  it('with glue that differs from the zone', async () => {
    const { port } = await open({ delegation: DELEGATION.replace(PRIMARY, SECONDARY) });
    const problems = of(await examine(port), 'delegation', 'problem');
    expect(problems).toContain(
      `The glue of ns1.dyn.example.com. is ${SECONDARY} at 'example.com.', but ${PRIMARY} in the zone`,
    );
  });

  it('without glue', async () => {
    const { port } = await open({ delegation: `dyn NS ns1.dyn\ndyn NS ns2.dyn\nns1.dyn A ${PRIMARY}\n` });
    const problems = of(await examine(port), 'delegation', 'problem');
    expect(problems).toContain("'example.com.' has no glue for ns2.dyn.example.com.");
    expect(problems).toContain(`  ns2.dyn.example.com. 3600 IN A ${SECONDARY}`);
  });

  it('with a DS record at the parent and no signatures', async () => {
    const { port } = await open({ delegation: `${DELEGATION}dyn DS 1 13 2 ${'ab'.repeat(32)}\n` });
    expect(of(await examine(port), 'dnssec', 'problem')).toMatch(/has a DS record .*SERVFAIL.*\nRemove the DS record/);
  });

  it.each([
    { secondary: 'older', status: 'warning', text: /serial 93, 7 behind the primary's 100/ },
    { secondary: 'newer', status: 'problem', text: /serial 105, which is later than the primary's 100/ },
    { secondary: 'other', status: 'problem', text: /does not serve 'dyn\.example\.com\.': it answers REFUSED/ },
    { secondary: 'recursive', status: 'warning', text: /offers recursion/ },
    { secondary: 'without-tcp', status: 'problem', text: /does not answer over TCP .*ECONNREFUSED/ },
    { secondary: 'silent', status: 'problem', text: /does not answer over UDP or TCP/ },
  ] as const)('whose second nameserver is $secondary', async ({ secondary, status, text }) => {
    const { port } = await open({ secondary });
    const findings = await examine(port);
    const lines = of(findings, 'nameservers', status);
    expect(lines).toMatch(text);
    expect(lines).toContain(`ns2.dyn.example.com. at ${SECONDARY}`);
    expect(of(findings, 'nameservers', 'ok')).toMatch(/ns1\.dyn\.example\.com\. at .* serial 100, same as the primary/);
  });

  it('with another secret than the primary has: the key is a problem, and the clock is not reported as ok', async () => {
    const { port } = await open();
    const findings = await examine(port, { zones: [{ name: LAB_ZONE, tsig_key: makeKey(LAB_ZONE).secret }] });
    expect(of(findings, 'key', 'problem')).toMatch(/is not accepted\.\n.*BADSIG.*copy the secret again/);
    expect(of(findings, 'clock', 'not checked')).toContain('no reply that the key verifies');
  });

  it('on a primary that is down: that is the first finding, and the rest is still checked', async () => {
    const { port } = await open();
    const findings = await examine(port, { port: await freePort() });
    expect(findings[0]).toMatchObject({ check: 'primary', status: 'problem' });
    expect(findings[0]!.advice).toContain('ECONNREFUSED');
    expect(of(findings, 'key', 'not checked')).toContain('Fix the primary first');
    expect(of(findings, 'nameservers', 'ok')).toContain(`at ${PRIMARY}`);
  });

  it('behind a resolver that does not answer: the delegation is not checked, which is not a problem of the zone', async () => {
    const { port } = await open();
    const closed = ['--resolver', `127.0.0.1:${await freePort()}`];
    const { code, stdout } = await run(port, ['--json', ...closed]);
    const findings = JSON.parse(stdout) as Finding[];
    expect(of(findings, 'delegation', 'not checked')).toMatch(
      /the resolver did not answer: cannot reach .*\n.*--resolver/,
    );
    expect(of(findings, 'nameservers', 'ok')).toContain(`at ${SECONDARY}`);
    expect(code).toBe(0);
  });

  it('with an HTTP listener that is down, is not encrypted and trusts every proxy', async () => {
    const { port } = await open();
    const http = { listen: [`0.0.0.0:${await freePort()}`], trusted_proxies: ['0.0.0.0/0'] };
    const { stdout } = await run(port, ['--json'], { http });
    const findings = JSON.parse(stdout) as Finding[];
    expect(of(findings, 'http', 'problem')).toMatch(/nothing listens there.*updates over HTTP fail/);
    expect(of(findings, 'http', 'problem')).toContain('anyone can claim any client address');
    expect(of(findings, 'http', 'warning')).toMatch(/without TLS.*\n.*https/);
  });

  it('is printed in groups, without colours and within 110 columns if the output is not a terminal', async () => {
    const { port } = await open({ delegation: '' });
    const { code, stdout, stderr } = await run(port);
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(
      /^Configuration \S+dyndns\.yml\n\ndyn\.example\.com\.\n\nThe primary\n {2}ok {11}The primary 127\.0\.0\.2:\d+ answers/,
    );
    expect(stdout).toMatch(/\n\nThe parent zone\n {2}PROBLEM {6}'example\.com\.' does not delegate/);
    expect(stdout).toMatch(/\n {18,}dyn\.example\.com\. 3600 IN NS ns1\.dyn\.example\.com\.\n/);
    expect(stdout).toMatch(/\n1 problem, 1 warning, 2 not checked, \d ok\.\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence is what must not be there
    expect(stdout).not.toMatch(/\u001b/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});

describe('a zone that dyndns serves itself', () => {
  const config = async (name: string) => {
    const dnsPort = await freePort();
    const zone = { name, nameserver: 'embedded', ns: [`ns1.${name}`], contact: 'hostmaster@example.com' };
    return {
      dnsPort,
      secret: SECRET,
      dns: { listen: [`127.0.0.1:${dnsPort}`], database: join(freshDirectory('doctor-zones'), 'zones.db') },
      zones: [{ ...zone, tsig_key: KEY.secret, records: 'ns1 IN A 127.0.0.1' }],
    };
  };

  async function examineRunning(name: string, stopped = false) {
    const { dnsPort, ...options } = await config(name);
    const server = await startDyndns({ ...options, http: { listen: [`127.0.0.1:${await freePort()}`] } });
    try {
      if (stopped) {
        server.process.signal('SIGTERM');
        await server.process.ended;
      }
      const laboratory = ['--resolver', `127.0.0.1:${await freePort()}`, '--nameserver-port', String(dnsPort)];
      const { code, stdout } = await runDyndns(['-c', server.configFile, 'doctor', name, '--json', ...laboratory]);
      return { code, findings: JSON.parse(stdout) as Finding[] };
    } finally {
      await server.stop();
      removeNow(dirname(options.dns.database));
    }
  }

  it('is queried while the server runs, with its key; another port than 53 is a warning', async () => {
    const { code, findings } = await examineRunning(LAB_ZONE);
    expect(of(findings, 'primary', 'ok')).toContain('(dyndns itself) answers authoritatively');
    expect(of(findings, 'key', 'ok')).toContain('is accepted');
    expect(of(findings, 'nameservers', 'ok')).toMatch(
      /ns1\.dyn\.example\.com\. at 127\.0\.0\.1 .* same as the primary/,
    );
    expect(of(findings, 'http', 'ok')).toContain('Something listens');
    expect(of(findings, 'outside', 'warning')).toContain('resolvers query port 53 only');
    expect(code).toBe(0);
  });

  it('whose server is down: that is reported', async () => {
    const { code, findings } = await examineRunning(LAB_ZONE, true);
    expect(of(findings, 'primary', 'problem')).toMatch(
      /does not answer.*\nStart 'dyndns serve' with this configuration/,
    );
    expect(of(findings, 'http', 'problem')).toContain('nothing listens there');
    expect(code).toBe(1);
  });

  it('RFC 8375: in home.arpa cannot be found from the internet, and there is no advice to check from outside', async () => {
    const { code, findings } = await examineRunning('dyn.home.arpa');
    expect(of(findings, 'delegation', 'not checked')).toContain('the internet cannot find it');
    expect(of(findings, 'outside', 'not checked')).toBe('');
    expect(code).toBe(0);
  });
});

describe('a command that makes no sense ends with 2', () => {
  it.each([
    {
      args: ['other.example'],
      text: /'other\.example\.' is not a zone of the configuration; it has: dyn\.example\.com\./,
    },
    { args: ['a..b'], text: /'a\.\.b' is not a zone name/ },
    { args: [LAB_ZONE, '--resolver', 'resolver.example'], text: /It must be an IP address/ },
    { args: [LAB_ZONE, '--resolver', '192.0.2.1:0'], text: /It must be an IP address/ },
    { args: [LAB_ZONE, '--nameserver-port', '65536'], text: /It must be a port number/ },
  ])('$args', async ({ args, text }) => {
    const { code, stdout, stderr } = await runDyndns(['-c', writeConfig(1), 'doctor', ...args]);
    expect(stderr).toMatch(text);
    expect([code, stdout]).toEqual([2, '']);
  });
});

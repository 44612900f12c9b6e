/**
 * openwrt/ddns-scripts: each service with the commands that ddns-scripts 2.8.4-2 starts (net/ddns-scripts of openwrt/packages,
 * `do_transfer` and `send_update` of dynamic_dns_functions.sh), recorded from a run of that file under BusyBox ash.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dig } from '../support/dig.ts';
import { type EmbeddedServer, startEmbedded } from '../support/embedded-server.ts';
import { REPOSITORY } from '../support/installation.ts';
import { makeCertificateOf } from '../support/own-certificate.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { ROUTER_PROGRAMS } from './router.ts';

const ZONE = 'dyndns.example.com';
const ROUTER = `router.${ZONE}`;
const NAS = `nas.${ZONE}`;

interface Service {
  readonly url: string;
  readonly answer: string;
}

/** What `get_service_data` reads. */
function service(name: string, family: 'ipv4' | 'ipv6'): Service {
  const file = join(REPOSITORY, `openwrt/ddns-scripts/${name}.json`);
  const found = JSON.parse(readFileSync(file, 'utf8'));
  expect(found.name).toBe(name);
  return found[family];
}

const TRANSFERS: Readonly<Record<string, (files: { dat: string; err: string; ca: string }) => readonly string[]>> = {
  wget: ({ dat, err, ca }) => [
    ...['--hsts-file=/dev/null', '-nv', '-t', '1', '-O', dat, '-o', err, `--ca-certificate=${ca}`, '--no-proxy'],
  ],
  curl: ({ dat, err, ca }) => ['-RsS', '-o', dat, '--stderr', err, '--cacert', ca, '--noproxy', '*'],
};

const PROGRAMS = [...ROUTER_PROGRAMS, { command: 'dig', debianPackage: 'bind9-dnsutils' }];

describeWith(PROGRAMS, 'the services for ddns-scripts', () => {
  let server: EmbeddedServer;
  let directory: string;
  let files: { dat: string; err: string; ca: string };

  beforeAll(async () => {
    directory = freshDirectory('ddns-scripts');
    const path = (name: string) => join(directory, name);
    files = { dat: path('dat'), err: path('err'), ca: path('chain.pem') };
    const { key, chain } = await makeCertificateOf(['localhost'], 1, 30);
    writeFileSync(files.ca, chain);
    writeFileSync(path('key.pem'), key, { mode: 0o600 });
    const tls = { certificate: files.ca, key: path('key.pem') };
    const members = [{ name: NAS, interface_id: '::10' }];
    server = await startEmbedded({
      zone: ZONE,
      config: {
        store: 'sqlite:dyndns.db',
        http: { listen: ['https://127.0.0.1:0'], tls },
        hosts: [{ name: ROUTER, interface_id: '::1', members }],
      },
    });
  });
  afterAll(async () => {
    await server?.stop();
    removeNow(directory);
  });

  /** `sed` and the transfer of `send_update`, then `grep -i -E` on the answer. */
  async function update(program: string, { url, answer }: Service, domain: string, address: string): Promise<boolean> {
    const values: Readonly<Record<string, string>> = {
      USERNAME: ROUTER,
      PASSWORD: server.secret,
      PARAMOPT: `localhost:${server.dyndns.port}`,
      DOMAIN: domain,
      IP: address,
    };
    const filled = url.replaceAll(/\[([A-Z]+)\]/g, (_, word: string) => values[word]!);
    const { code, stderr } = await runProgram(program, [...TRANSFERS[program]!(files), filled]);
    expect([code, stderr]).toEqual([0, '']);
    return new RegExp(answer, 'i').test(readFileSync(files.dat, 'utf8'));
  }

  const look = async (name: string, type: 'A' | 'AAAA') => (await dig(server, [name, type])).short;

  it.each(Object.keys(TRANSFERS))('%s: addresses, the prefix of a site, and a refusal', async (program) => {
    const number = 1 + Object.keys(TRANSFERS).indexOf(program);
    const [ipv4, ipv6] = [`203.0.113.${number}`, `2001:db8:0:${number}::1`];
    for (const _ of ['good', 'nochg']) {
      expect(await update(program, service('dyndns', 'ipv4'), ROUTER, ipv4)).toBe(true);
      expect(await update(program, service('dyndns', 'ipv6'), ROUTER, ipv6)).toBe(true);
    }
    expect([await look(ROUTER, 'A'), await look(ROUTER, 'AAAA')]).toEqual([[ipv4], [ipv6]]);
    // The address of the router in its own network, with the interface's 64 bits behind the prefix.
    for (const _ of ['good', 'nochg'])
      expect(await update(program, service('dyndns-prefix', 'ipv6'), ROUTER, `2001:db8:0:a${number}::1`)).toBe(true);
    const moved = [await look(ROUTER, 'AAAA'), await look(NAS, 'AAAA')];
    expect(moved).toEqual([[`2001:db8:0:a${number}::1`], [`2001:db8:0:a${number}::10`]]);
    expect(await update(program, service('dyndns', 'ipv4'), 'home.example.org', ipv4)).toBe(false);
  });
});

/**
 * Runs docs/operating/own-https.md: its configuration gets a certificate from pebble through the nameserver of the zone, and
 * its commands print the output of the page. Only paths, ports and the CA are changed.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAIN } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { type Installation, makeInstallation, REPOSITORY } from '../support/installation.ts';
import { shownCertificate } from '../support/own-certificate.ts';
import { PEBBLE_PROGRAMS, type Pebble, startPebble } from '../support/pebble.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { type RunningProcess, removeNow, startProcess, waitUntil } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';

const PAGE = 'docs/operating/own-https.md';
const TEXT = readFileSync(`${REPOSITORY}/${PAGE}`, 'utf8');
const CONFIGURATION = /^```yaml https\n([\s\S]*?)^```$/m.exec(TEXT)![1]!;

describeWith(PEBBLE_PROGRAMS, 'the page of HTTPS without a proxy', () => {
  const directory = freshDirectory('https-page');
  let installation: Installation;
  let server: RunningProcess;
  let pebble: Pebble;
  let port: number;

  beforeAll(async () => {
    const dns = { host: '127.0.0.1', port: await freePort() };
    port = await freePort();
    installation = makeInstallation({ directory, dnsPort: dns.port });
    pebble = await startPebble(dns);
    mkdirSync(installation.path('/var/lib/dyndns'), { recursive: true });
    installation.write(
      '/etc/dyndns.yml',
      `${CONFIGURATION}store: sqlite:/var/lib/dyndns/dyndns.db
secret: masterSecretOfTests
zones:
  - {name: dyndns.example.com, nameserver: embedded, ns: [ns1.dyndns.example.com], records: "@ A 192.0.2.10\\nns1 A 192.0.2.10"}
`,
    );
    server = await startProcess({
      command: process.execPath,
      args: [MAIN, '--config', installation.path('/etc/dyndns.yml'), 'serve'],
      cwd: directory,
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: pebble.caFile,
        DYNDNS_DNS_LISTEN: `127.0.0.1:${dns.port}`,
        DYNDNS_HTTP_LISTEN: `https://127.0.0.1:${port}`,
        DYNDNS_HTTP_TLS_ACME_DIRECTORY: pebble.directoryUrl,
      },
      ready: (output) => output.includes('listening on https://'),
    });
  });
  afterAll(async () => {
    await server?.stop();
    await pebble?.stop();
    removeNow(directory);
  });

  it('its configuration gets the certificate, and logs it as on the page', async () => {
    const example = /^http\.tls\.acme: Installed a new certificate .*\. It expires on /m.exec(TEXT)![0];
    await waitUntil('the certificate', () => server.output().includes(example), 25_000);
    const certificate = await shownCertificate(port, 'a.lab.dyndns.example.com', [await pebble.root()]);
    expect(certificate.checkHost('dyndns.example.com')).toBe('dyndns.example.com');
  });

  it('`status` shows which one is served', async () => {
    const { stdout, stderr } = await installation.runBlocks(PAGE, 'status');
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^certificate for dyndns\.example\.com, \*\.lab\.dyndns\.example\.com until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m,
    );
  });

  it('the files are those of the table', () => {
    const files = readdirSync(installation.path('/var/lib/dyndns/acme'));
    expect(files.sort()).toEqual(['account-key.pem', 'certificate.pem']);
    for (const file of files) expect(TEXT).toContain(`| \`${file}\` |`);
  });

  it('the drop-in for port 443 has the same settings as that of the embedded nameserver', async () => {
    expect(await installation.runBlocks(PAGE, 'port')).toMatchObject({ code: 0, stderr: '' });
    const written = readFileSync(installation.path('/etc/systemd/system/dyndns.service.d/20-https.conf'), 'utf8');
    const embedded = readFileSync(`${REPOSITORY}/deploy/systemd/dyndns-embedded.conf`, 'utf8').split('\n');
    for (const line of written.split('\n').filter((text) => /^\w+=/.test(text))) expect(embedded).toContain(line);
  });
});

/**
 * Every block of shell commands in README.md and docs/operating is run by a test that reads the page, or is in a table here
 * with the reason why no test runs it as it is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';

const SYSTEMD = 'It needs systemd as process 1; the tests start the programs themselves.';
const PACKAGES = 'It installs packages of the distribution, which the tests need before they start.';
const PACKAGE_TESTS = '`npm run test:packages` runs it in a fresh system.';
const INTERNET = 'It needs a zone that the internet can reach.';
const DOCKER =
  'No Docker engine runs where the tests run; scripts/image-test.mjs unpacks the image and starts it as its user.';
const OTHER_MACHINE = 'It needs a second machine with SSH.';

/** Page and first line of a block without a word, with the reason why no test runs it. */
const NOT_RUN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'npm start    # a server to try, with a zone of its own':
      'They run the server and the tests themselves; test/docs/readme.test.ts runs `npm start`.',
    'dyndns serve': 'test/docs/readme.test.ts starts it with ports of its own.',
  },
  'acme.md': {
    'dyndns token create lego --host home.dyndns.example.com --type TXT':
      'test/cli/token.test.ts creates such tokens; the tests of the page have one in the configuration.',
    'export ACMEDNS_BASE_URL=https://dyndns.example.com':
      'Debian has no package of acme.sh; test/clients replays what it sends.',
  },
  'backup.md': {
    'systemctl stop dyndns': SYSTEMD,
    'systemctl start dyndns': SYSTEMD,
    'dig @ns1.example.net dyndns.example.com SOA +short +norecurse': INTERNET,
    'dyndns --config /etc/dyndns.yml zone recover dyndns.example.com':
      'It needs a damaged zone; test/e2e/embedded-damage.test.ts damages one and recovers it.',
  },
  'container.md': {
    'docker load --input dyndns-3.0.0-alpha.1-oci.tar': DOCKER,
    'docker exec dyndns dyndns token create home --host home.dyndns.example.com': DOCKER,
    'docker run --rm --interactive --tty --volume dyndns:/var/lib/dyndns dyndns:3.0.0-alpha.1 init --file /var/lib/dyndns/dyndns.yml':
      DOCKER,
    'docker compose up --detach': DOCKER,
    'export COMPOSE_FILE=compose.knot.yaml': DOCKER,
    'docker compose run --rm --no-deps --volume ../bind:/bind:ro knot cp /bind/dyndns.example.com.zone /storage/':
      DOCKER,
    'docker exec dyndns dyndns backup /var/lib/dyndns/backup.db': DOCKER,
    'docker stop dyndns': DOCKER,
    'docker load --input dyndns-3.0.0-alpha.2-oci.tar': DOCKER,
  },
  'dashboard.md': {
    'dyndns user create alice --admin':
      'The test of users.md runs both commands, and test/browser/sign-in.test.ts opens such a link.',
  },
  'debian-bind.md': {
    'apt-get update': PACKAGES,
    'git clone REPOSITORY-URL /usr/local/src/dyndns': 'It needs the address of the repository.',
    'systemctl restart named': SYSTEMD,
    'cp /usr/local/lib/node_modules/dyndns/deploy/systemd/dyndns.service /etc/systemd/system/': SYSTEMD,
    "certbot certonly --webroot --webroot-path /var/www/html --domain dyndns.example.com --deploy-hook 'systemctl reload nginx'":
      INTERNET,
    'systemctl reload nginx': SYSTEMD,
    'scp -O /usr/local/lib/node_modules/dyndns/openwrt/dyndns-update-script.sh root@router:/usr/bin/': OTHER_MACHINE,
    '/usr/bin/dyndns-update-script.sh -d br-lan home':
      'It runs on a router; test/openwrt/options.test.ts runs the script under two shells.',
  },
  'dnssec.md': {
    'dig _dsboot.customer.example._signal.ns1.provider.example CDS':
      'test/interop/bootstrap.test.ts queries such names.',
    'dyndns zone dnssec dyndns.example.com': 'test/cli/zone-dnssec.test.ts runs it for a signed zone.',
    'dyndns zone dnssec dyndns.example.com roll': 'test/cli/zone-dnssec.test.ts runs it for a signed zone.',
    'dyndns zone dnssec dyndns.example.com roll --algorithm ed25519':
      'test/cli/zone-dnssec.test.ts runs it for a signed zone.',
    'dyndns zone dnssec dyndns.example.com leave': 'test/cli/zone-dnssec.test.ts runs it for a signed zone.',
    'dyndns zone key list dyndns.example.com': 'test/cli/zone-dnssec.test.ts runs these commands for a signed zone.',
  },
  'doctor.md': {
    'dyndns --config /etc/dyndns/dyndns.yml doctor dyn.example.com': INTERNET,
  },
  'embedded.md': {
    'apt-get update': PACKAGES,
    'systemctl daemon-reload': SYSTEMD,
    'dig +trace home.dyndns.example.com A': INTERNET,
    'dyndns --config /etc/dyndns.yml doctor dyndns.example.com': INTERNET,
    'dyndns zone discard dyndns.example.com home.dyndns.example.com':
      'It needs a conflict of static and dynamic records; test/e2e/hidden-data.test.ts makes one.',
  },
  'from-python.md': {
    'systemctl disable --now dyndns-uwsgi.service dyndns.service': SYSTEMD,
    'systemctl reload nginx': SYSTEMD,
  },
  'hidden-primary.md': {
    "ssh root@ns1.example.net 'rndc reconfig'": OTHER_MACHINE,
    "ssh root@ns1.example.net 'systemctl restart knot'": OTHER_MACHINE,
    "ssh root@ns1.example.net 'systemctl restart nsd'": OTHER_MACHINE,
  },
  'knot.md': {
    'apt-get install -y knot knot-dnsutils': PACKAGES,
    'systemctl restart knot': SYSTEMD,
  },
  'migrate-from-bind.md': {
    'rndc freeze dyndns.example.com':
      'It needs a running BIND with a control channel; the test has a file as this command leaves it.',
    'named-compilezone -f raw -F text -o /root/dyndns.example.com.zone dyndns.example.com /var/lib/bind/dyndns.example.com.zone':
      'It is only for files in the raw format; that of the test is text.',
    'systemctl disable --now named': SYSTEMD,
    'dyndns --config /etc/dyndns.yml doctor dyndns.example.com': INTERNET,
  },
  'own-https.md': { 'systemctl daemon-reload': SYSTEMD },
  'packages.md': {
    'apt install ./dyndns_3.0.0~alpha.1_amd64.deb': PACKAGE_TESTS,
    'apt install ./dyndns_3.0.0_amd64.deb': PACKAGE_TESTS,
    'npm install --global --ignore-scripts ./dyndns-3.0.0-alpha.1.tgz': PACKAGE_TESTS,
  },
  'postgresql.md': {
    'apt-get install -y postgresql': PACKAGES,
    'install -d /etc/systemd/system/dyndns.service.d': SYSTEMD,
  },
  'powerdns.md': {
    'apt-get install -y pdns-server pdns-backend-sqlite3 sqlite3 bind9-dnsutils': PACKAGES,
    'systemctl restart pdns': SYSTEMD,
  },
  'remote-primary.md': {
    'rndc reconfig': 'The tests start a BIND with this configuration, without a control channel.',
    'dyndns serve': 'test/docs/readme.test.ts starts it with ports of its own.',
  },
  'several-servers.md': {
    'apt-get install -y postgresql': PACKAGES,
    'systemctl restart postgresql': SYSTEMD,
    'systemctl disable --now dyndns': SYSTEMD,
    'systemctl reload nginx': SYSTEMD,
  },
  'setup.md': {
    'dyndns setup': 'test/e2e/setup.test.ts and test/browser/first-run.test.ts run it with ports of their own.',
    'ssh -L 54321:127.0.0.1:54321 root@server.example.com': OTHER_MACHINE,
  },
  'upgrade.md': { 'systemctl restart dyndns': SYSTEMD },
};

/** Pages whose blocks without a word are not run one by one, with the reason. */
const PAGES_NOT_RUN: Readonly<Record<string, string>> = {
  'control-api.md':
    'It is generated, and its requests have names of the reader; src/control and test/docs/operations.test.ts test each operation.',
};

interface Block {
  readonly page: string;
  /** The word behind `sh`, by which a test selects the block. */
  readonly word: string | undefined;
  readonly firstLine: string;
}

function blocksOf(page: string, markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^ *```sh(?: (\S+))?\n([\s\S]*?)^ *```$/gm)].map(([, word, text]) => ({
    page,
    word,
    firstLine: text!.trim().split('\n')[0]!,
  }));
}

const BLOCKS: readonly Block[] = [
  ...blocksOf('README.md', readFileSync(join(REPOSITORY, 'README.md'), 'utf8')),
  ...readdirSync(join(REPOSITORY, 'docs/operating')).flatMap((page) =>
    blocksOf(page, readFileSync(join(REPOSITORY, 'docs/operating', page), 'utf8')),
  ),
];

/** Each test with the files of test/support that it imports, without this test and those that only check prose. */
const TESTS: readonly string[] = readdirSync(join(REPOSITORY, 'test'), { encoding: 'utf8', recursive: true })
  .map((name) => join(REPOSITORY, 'test', name))
  .filter((file) => file.endsWith('.test.ts') && !/docs\/(?:commands|links|plain-english)\.test\.ts$/.test(file))
  .map((file) => {
    const text = readFileSync(file, 'utf8');
    const imported = [...text.matchAll(/ from '(\.[^']*\/support\/[^']*)'/g)].map(([, path]) =>
      join(dirname(file), path!),
    );
    return [text, ...imported.map((path) => readFileSync(path, 'utf8'))].join('\n');
  });

/** Whether one test names the page and, in quotation marks or in a pattern for the block, its word. */
function isRun({ page, word }: Block, tests: readonly string[]): boolean {
  if (word === undefined) return false;
  const quoted = new RegExp(`['"\`](?:sh )?${word}['"\`]|sh ${word}\\\\n`);
  return tests.some((text) => text.includes(page) && quoted.test(text));
}

const reasonFor = ({ page, word, firstLine }: Block) =>
  word === undefined ? (PAGES_NOT_RUN[page] ?? NOT_RUN[page]?.[firstLine]) : undefined;

const describeBlock = ({ page, word, firstLine }: Block) =>
  `${page}: \`\`\`sh${word === undefined ? '' : ` ${word}`}: ${firstLine}`;

describe('the shell commands of README.md and docs/operating', () => {
  it('are run by a test, or are listed here with a reason', () => {
    const unknown = BLOCKS.filter((block) => !isRun(block, TESTS) && reasonFor(block) === undefined);
    // Mark such a block with a word and run it in the test of its page, or add a row to NOT_RUN above.
    expect(unknown.map(describeBlock)).toEqual([]);
  });

  it('are not listed here if they do not exist any more', () => {
    const listed = Object.entries(NOT_RUN).flatMap(([page, rows]) =>
      Object.keys(rows).map((line) => `${page}: ${line}`),
    );
    const existing = new Set(BLOCKS.filter(({ word }) => word === undefined).map((b) => `${b.page}: ${b.firstLine}`));
    expect(listed.filter((row) => !existing.has(row))).toEqual([]);
    const pages = new Set(BLOCKS.map(({ page }) => page));
    expect(Object.keys(PAGES_NOT_RUN).filter((page) => !pages.has(page))).toEqual([]);
  });

  it('are listed with tests that exist', () => {
    const reasons = [...Object.values(NOT_RUN).flatMap((rows) => Object.values(rows)), ...Object.values(PAGES_NOT_RUN)];
    const paths = reasons.flatMap((reason) =>
      [...reason.matchAll(/\b(?:test|src)\/[\w./-]+\.ts\b/g)].map(([path]) => path),
    );
    expect(paths.length).toBeGreaterThan(4);
    for (const path of paths) expect(readFileSync(join(REPOSITORY, path), 'utf8')).toContain('');
  });
});

describe('a block', () => {
  const markdown = '```sh\nls\n```\n\n1. text\n\n   ```sh show\n   ls -l\n   cat x\n   ```\n\n```\nno command\n```\n';

  it('is found with its word and first line, in list items too', () => {
    expect(blocksOf('a.md', markdown)).toEqual([
      { page: 'a.md', word: undefined, firstLine: 'ls' },
      { page: 'a.md', word: 'show', firstLine: 'ls -l' },
    ]);
  });

  it('is run only if one test names both its page and its word', () => {
    const [unmarked, marked] = blocksOf('a.md', markdown);
    expect(isRun(unmarked!, ["'a.md' 'show'"])).toBe(false);
    expect(isRun(marked!, ["'a.md'", "'show'"])).toBe(false);
    expect(isRun(marked!, ["'docs/operating/a.md' run('show')"])).toBe(true);
    expect(isRun(marked!, ['"a.md" `sh show`'])).toBe(true);
    expect(isRun(marked!, ['"a.md" /^```sh show\\n/'])).toBe(true);
  });
});

/**
 * The Debian packages on fresh Debian systems: installation, first update, upgrade with data, broken configurations, change to the other
 * package, an older unit, removal and purge. Each step is what an operator types.
 */
import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import { make } from '../../packaging/deb.mjs';
import { DEBIAN_VERSION, OUTPUT } from '../../packaging/release.mjs';
import { root } from '../../scripts/prepare.mjs';
import { baseRoot, execute, Machine, until } from './machine.mjs';

const ARCHITECTURE = arch === 'arm64' ? 'arm64' : 'amd64';
const BEFORE = '3.0.0~alpha.0';
/** What `dyndns init` writes for an embedded zone needs no other program to answer. */
const INIT =
  'dyndns init --zone dyn.example.com --nameserver embedded --ns ns1.dyn.example.com --address 192.0.2.1 ' +
  '--contact hostmaster@example.com';

export function debianScenarios() {
  return [
    { name: 'Debian 13 (trixie), dyndns', run: (step, folder) => lifeOfPackage(step, folder, 'trixie', 'dyndns') },
    {
      name: 'Debian 12 (bookworm), dyndns-bundled',
      run: (step, folder) => lifeOfPackage(step, folder, 'bookworm', 'dyndns-bundled'),
    },
  ];
}

function packageFile(name) {
  return join(OUTPUT, `${name}_${DEBIAN_VERSION}_${ARCHITECTURE}.deb`);
}

/** The same package with a lower version, as the version before. */
function makeOlder(file, folder) {
  const tree = join(folder, 'older');
  must(execute('dpkg-deb', ['-R', file, tree]));
  for (const path of ['DEBIAN/control', 'usr/lib/dyndns/package.json']) {
    const text = readFileSync(join(tree, path), 'utf8');
    writeFileSync(
      join(tree, path),
      text.replaceAll(DEBIAN_VERSION, BEFORE).replaceAll(DEBIAN_VERSION.replace('~', '-'), BEFORE.replace('~', '-')),
    );
  }
  const older = join(folder, 'older.deb');
  must(execute('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, older]));
  return { older, tree };
}

function must({ code, output }) {
  assert.equal(code, 0, output);
  return output;
}

/** A command that must fail, with what its output must contain. */
function mustFail({ code, output }, pattern) {
  assert.notEqual(code, 0, `It succeeded: ${output}`);
  if (pattern) assert.match(output, pattern);
}

const count = (machine) => Number(must(machine.run('dpkg -l | grep -c ^ii')));
const kibibytes = (machine) =>
  must(machine.run("grep '^Installed-Size:' /var/lib/dpkg/status | cut -d ' ' -f 2"))
    .trim()
    .split('\n')
    .reduce((sum, size) => sum + Number(size), 0);
const mainPid = (machine) => must(machine.run('systemctl show --value -p MainPID dyndns')).trim();

function apt(machine, words) {
  return machine.run(
    `apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io ${words}`,
  );
}

function dig(machine, name = 'home.dyn.example.com') {
  return machine.fromNetwork('dig', '@127.0.0.1', '+short', '+tries=1', '+time=1', name, 'A').output.trim();
}

/** The server answers HTTP with the address published before. */
async function update(machine, address) {
  const secret = must(machine.run('cat /etc/dyndns.yml')).match(/^secret: '?(\w+)/m)[1];
  const url = `http://127.0.0.1:54321/update-by-query?secret=${secret}&fqdn=home.dyn.example.com&ip_1=${address}`;
  let answer = '';
  await until('an answer over HTTP', 30, () => {
    answer = machine.fromNetwork('curl', '--silent', url).output;
    return answer !== '';
  }).catch((error) => {
    throw new Error(`${error.message}\n${journal(machine)}`);
  });
  assert.match(answer, /UPDATED/);
  assert.equal(dig(machine), address);
}

function journal(machine) {
  return machine.run('systemctl status --no-pager --lines=0 dyndns; journalctl --no-pager -o cat -n 30 -u dyndns')
    .output;
}

async function answers(machine, address) {
  await until('an answer over DNS', 30, () => dig(machine) === address).catch((error) => {
    throw new Error(`${error.message}\n${journal(machine)}`);
  });
}

/** READY is sent by units of Type=notify only; others cannot report a start that fails later. */
function reportsStart(machine) {
  return machine.run('systemctl show --value -p Type dyndns').output.trim() === 'notify';
}

async function lifeOfPackage(step, parent, suite, name) {
  const folder = join(parent, suite);
  mkdirSync(folder);
  let older;
  let machine;
  await step(`${name}: the package is made`, () => make([[name, ARCHITECTURE]]));
  await step('lintian finds nothing', () =>
    assert.equal(execute('lintian', ['--allow-root', packageFile(name)]).output, ''),
  );
  await step('the version before is made', () => {
    older = makeOlder(packageFile(name), folder);
  });
  await step(`a fresh ${suite} with systemd as process 1`, async () => {
    machine = new Machine(baseRoot(suite));
    machine.put(older.older, '/root/older.deb');
    machine.put(packageFile(name), '/root/dyndns.deb');
    machine.put(join(older.tree, 'usr/lib/dyndns'), '/usr/local/lib/node_modules/dyndns');
    machine.put(join(root, 'deploy/systemd/dyndns.service'), '/root/dyndns.service');
    machine.download('/root/older.deb');
    await machine.start();
  });
  try {
    await installed(step, machine);
    await upgraded(step, machine);
    await broken(step, machine);
    await removed(step, machine);
    await shadowed(step, machine);
  } finally {
    await machine?.stop();
  }
}

async function installed(step, machine) {
  const start = Date.now();
  await step('apt-get install ./older.deb', () => {
    const [packages, size] = [count(machine), kibibytes(machine)];
    const output = must(apt(machine, 'install /root/older.deb'));
    assert.match(output, /next, 'dyndns init' writes a configuration/);
    const added = count(machine) - packages;
    assert.ok(added <= 16, `${added} packages were added.`);
    return `${added} packages, ${((kibibytes(machine) - size) / 1024).toFixed(0)} MiB`;
  });
  await step('a start without a configuration fails and says why', async () => {
    const { code } = machine.run('systemctl start dyndns');
    if (reportsStart(machine)) assert.notEqual(code, 0);
    await until('the reason in the journal', 20, () => /\/etc\/dyndns\.yml/.test(journal(machine)));
    must(machine.run('systemctl stop dyndns; systemctl reset-failed dyndns || true'));
  });
  await step('dyndns init', () => void must(machine.run(INIT)));
  await step('systemctl enable --now dyndns', () => void must(machine.run('systemctl enable --now dyndns')));
  await step('an update by curl, a query by dig', () => update(machine, '203.0.113.7'));
  await step('the server runs as dyndns, with its data in /var/lib/dyndns', () => {
    assert.equal(must(machine.run(`stat -c %U /proc/${mainPid(machine)}`)).trim(), 'dyndns');
    assert.match(
      must(machine.run('stat -c "%U %a" /var/lib/dyndns /var/lib/dyndns/dyndns.db')),
      /^dyndns 700\ndyndns 600\n$/,
    );
    assert.match(must(machine.run('dyndns update work.dyn.example.com 203.0.113.9')), /UPDATED/);
    return `${((Date.now() - start) / 1000).toFixed(0)} s and 4 commands from the package to the answer`;
  });
}

async function upgraded(step, machine) {
  await step('an upgrade restarts the server; data and configuration stay', async () => {
    const before = mainPid(machine);
    must(apt(machine, 'install /root/dyndns.deb'));
    assert.notEqual(mainPid(machine), before);
    await answers(machine, '203.0.113.7');
    assert.match(must(machine.run('dyndns --version')), new RegExp(DEBIAN_VERSION.replace('~', '-')));
  });
  await step('an upgrade does not start a server that was stopped and not enabled', async () => {
    must(machine.run('systemctl disable --now dyndns'));
    must(apt(machine, '--allow-downgrades install /root/older.deb'));
    mustFail(machine.run('systemctl is-active dyndns'));
    must(machine.run('systemctl enable --now dyndns'));
    await answers(machine, '203.0.113.7');
  });
}

async function broken(step, machine) {
  const running = mainPid(machine);
  must(machine.run('cp -p /etc/dyndns.yml /root/sound.yml && echo "nonsense: 1" >>/etc/dyndns.yml'));
  await step('a reload with a broken configuration fails, and the server goes on', async () => {
    mustFail(machine.run('systemctl reload dyndns'));
    await answers(machine, '203.0.113.7');
  });
  await step('an upgrade with a broken configuration succeeds, says so, and leaves the running server', async () => {
    const output = must(apt(machine, 'install /root/dyndns.deb'));
    assert.match(output, /nonsense/);
    assert.match(output, /was not restarted, because its configuration is not valid/);
    assert.equal(mainPid(machine), running);
    await answers(machine, '203.0.113.7');
  });
  await step('a restart and a start with a broken configuration fail', () => {
    for (const verb of ['restart', 'start']) {
      const { code, output } = machine.run(`systemctl ${verb} dyndns`);
      if (reportsStart(machine)) assert.notEqual(code, 0, output);
    }
    must(machine.run('systemctl stop dyndns; systemctl reset-failed dyndns || true'));
    return reportsStart(machine) ? undefined : 'not checked, the unit does not report its start';
  });
  await step('a corrected configuration starts', async () => {
    must(machine.run('cp -p /root/sound.yml /etc/dyndns.yml && systemctl start dyndns'));
    await answers(machine, '203.0.113.7');
  });
}

async function removed(step, machine) {
  const name = must(machine.run("dpkg -l | grep -o '^ii  dyndns[a-z-]*' | cut -c 5-")).trim();
  await step('remove stops the server and leaves data and configuration', () => {
    must(apt(machine, `remove ${name}`));
    mustFail(machine.run('systemctl is-active dyndns'));
    must(machine.run('test -s /etc/dyndns.yml && test -s /var/lib/dyndns/dyndns.db'));
  });
  await step('an installation after it starts the enabled server with its data', async () => {
    must(apt(machine, 'install /root/dyndns.deb'));
    await answers(machine, '203.0.113.7');
  });
  await step('purge leaves nothing', () => {
    must(apt(machine, `purge ${name}`));
    const places = '/etc /var /usr /run /home /opt /srv /tmp';
    const except = "-not -path '/usr/local/*' -not -path '/var/cache/*' -not -path '/var/log/*'";
    assert.equal(must(machine.run(`find ${places} -xdev -name '*dyndns*' ${except}`)), '');
    mustFail(machine.run('getent passwd dyndns'));
    mustFail(machine.run('getent group dyndns'));
  });
}

/** The unit of deploy/systemd in /etc/systemd/system, with DynamicUser=yes, as docs/operating/debian-bind.md installs it. */
async function shadowed(step, machine) {
  const shadow = '/etc/systemd/system/dyndns.service';
  await step('a server with a unit of its own runs before the package comes', async () => {
    // The bundled Node.js is the only one of Debian 12.
    must(machine.run('test -e /usr/bin/node || ln -s /usr/local/lib/node_modules/dyndns/bin/node /usr/bin/node'));
    must(
      machine.run('cp /root/sound.yml /etc/dyndns.yml && chown root:root /etc/dyndns.yml && chmod 644 /etc/dyndns.yml'),
    );
    must(machine.run(`grep -v Credential= /root/dyndns.service >${shadow}`));
    must(machine.run('mkdir -p /etc/systemd/system/dyndns.service.d'));
    const port53 =
      'CapabilityBoundingSet=CAP_NET_BIND_SERVICE\\nAmbientCapabilities=CAP_NET_BIND_SERVICE\\nPrivateUsers=no';
    must(machine.run(`printf '[Service]\\n${port53}\\n' >/etc/systemd/system/dyndns.service.d/port53.conf`));
    must(machine.run('getent group www-data; systemctl daemon-reload && systemctl start dyndns'));
    await update(machine, '203.0.113.8');
    must(machine.run('test -d /var/lib/private/dyndns'));
  });
  await step('the package leaves it running and says what to remove', async () => {
    const before = mainPid(machine);
    const output = must(apt(machine, 'install /root/dyndns.deb'));
    assert.match(output, /\/etc\/systemd\/system\/dyndns\.service takes precedence/);
    assert.equal(mainPid(machine), before);
    await answers(machine, '203.0.113.8');
  });
  await step('after that, the unit of the package has its data', async () => {
    must(machine.run('chgrp dyndns /etc/dyndns.yml && chmod 640 /etc/dyndns.yml'));
    must(machine.run(`rm ${shadow} && systemctl daemon-reload && systemctl restart dyndns`));
    await answers(machine, '203.0.113.8');
    assert.match(must(machine.run('stat -c "%U %F" /var/lib/dyndns')), /^dyndns directory/);
    mustFail(machine.run('test -e /var/lib/private/dyndns'));
  });
  await step('data of an older unit that was removed before are taken over by the installation', async () => {
    must(
      machine.run(
        'systemctl stop dyndns && mkdir -p -m 700 /var/lib/private && mv /var/lib/dyndns /var/lib/private/dyndns',
      ),
    );
    must(machine.run('ln -s private/dyndns /var/lib/dyndns && chown -R 61184:61184 /var/lib/private/dyndns'));
    assert.match(must(apt(machine, 'install --reinstall /root/dyndns.deb')), /took over the data/);
    assert.match(
      must(machine.run('stat -c "%U %F" /var/lib/dyndns /var/lib/dyndns/dyndns.db')),
      /^dyndns directory\ndyndns regular file/,
    );
    must(machine.run('systemctl start dyndns'));
    await answers(machine, '203.0.113.8');
  });
}

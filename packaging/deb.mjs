/**
 * dyndns_VERSION_ARCH.deb, which uses Debian's Node.js, and dyndns-bundled_VERSION_ARCH.deb, which has its own, for Debian 12. One
 * staged folder for each, packed by dpkg-deb: all files belong to root and have the time of the release.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { env } from 'node:process';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { root } from '../scripts/prepare.mjs';
import { bashCompletion, zshCompletion } from './completions.mjs';
import { commandPage, configurationPage } from './manual.mjs';
import { extractNode, NODE_VERSION, nodeComponent } from './node.mjs';
import { normalize, stageModules, stageProgram } from './program.mjs';
import { DEBIAN_VERSION, EPOCH, outputFile, VERSION, withFolder } from './release.mjs';
import { sbom } from './sbom.mjs';
import { packagedUnit } from './units.mjs';

const SOURCES = join(root, 'packaging', 'debian');
/** Who publishes the packages sets the variables that Debian's own tools read. */
const MAINTAINER = `${env.DEBFULLNAME ?? 'The dyndns authors'} <${env.DEBEMAIL ?? 'dyndns@localhost.localdomain'}>`;
/** Architecture of Debian -> that of Node.js. */
const ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' };
/** What the native part of SQLite, and Node.js itself, were linked with. */
const LIBRARIES = 'libc6 (>= 2.29), libgcc-s1, libstdc++6 (>= 5)';
const SYSTEM = 'systemd | systemd-standalone-sysusers';

const VARIANTS = {
  dyndns: {
    other: 'dyndns-bundled',
    depends: `nodejs (>= 20.19), ${LIBRARIES}, ${SYSTEM}`,
    node: '/usr/bin/node',
    summary: 'self-hosted dynamic DNS server',
    note: ' It runs on the Node.js of Debian 13 or newer.\n',
  },
  'dyndns-bundled': {
    other: 'dyndns',
    depends: `${LIBRARIES}, ${SYSTEM}`,
    node: '/usr/lib/dyndns/bin/node',
    summary: 'self-hosted dynamic DNS server, with Node.js',
    note: ` It contains Node.js ${NODE_VERSION}, for distributions with an older one,\n such as Debian 12.\n`,
  },
};

const ALL = Object.keys(VARIANTS).flatMap((name) =>
  Object.keys(ARCHITECTURES).map((architecture) => [name, architecture]),
);

/** @param packages names with architectures */
export function make(packages = ALL) {
  return withFolder(async (folder) => {
    const program = join(folder, 'program');
    mkdirSync(program);
    stageProgram(program);
    // The program describes itself, for which it needs its packages.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const texts = await generatedTexts(program);
    const names = [];
    for (const [name, architecture] of packages) names.push(await makeOne(name, architecture, program, texts));
    return names;
  });
}

/** Manual pages and completions: path in the package -> content. */
async function generatedTexts(program) {
  const load = (module) => import(pathToFileURL(join(program, 'dist', module)).href);
  const commands = (await (await load('cli/commands/all.js')).loadCommands()).map((command) => command());
  const { ROWS } = await load('config/options/options.js');
  const { describeDefault } = await load('config/help.js');
  const release = { version: VERSION, epoch: EPOCH };
  return {
    'usr/share/man/man1/dyndns.1.gz': compress(commandPage(commands, release)),
    'usr/share/man/man5/dyndns.yml.5.gz': compress(configurationPage(ROWS, describeDefault, release)),
    'usr/share/bash-completion/completions/dyndns': bashCompletion(commands),
    'usr/share/zsh/vendor-completions/_dyndns': zshCompletion(commands),
  };
}

/** The header has no time and no name. */
function compress(text) {
  return gzipSync(text, { level: 9 });
}

function makeOne(name, architecture, program, texts) {
  return withFolder(async (stage) => {
    const isBundled = name === 'dyndns-bundled';
    const platform = ARCHITECTURES[architecture];
    const put = (path, content) => {
      const file = join(stage, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    };
    stageFiles(stage, program, platform, isBundled);
    if (isBundled) await stageNode(stage, platform);
    for (const [path, content] of Object.entries(texts)) put(path, content);
    for (const unit of ['dyndns.service', 'dyndns@.service']) {
      const text = readFileSync(join(root, 'deploy', 'systemd', unit), 'utf8');
      put(`usr/lib/systemd/system/${unit}`, packagedUnit(text, VARIANTS[name].node));
    }
    put('usr/lib/sysusers.d/dyndns.conf', readFileSync(join(SOURCES, 'sysusers.conf')));
    put(`usr/share/doc/${name}/changelog.gz`, compress(changelog(name)));
    put(`usr/share/doc/${name}/copyright`, copyright(isBundled));
    put(`usr/share/lintian/overrides/${name}`, lintianOverrides(name));
    const components = isBundled ? [nodeComponent(platform)] : [];
    put(`usr/share/doc/${name}/sbom.cdx.json`, `${JSON.stringify(await sbom(components), undefined, 2)}\n`);
    return finish(stage, name, architecture);
  });
}

/** The program in /usr/lib/dyndns, its documents in /usr/share/doc/dyndns. */
function stageFiles(stage, program, platform, isBundled) {
  const library = join(stage, 'usr/lib/dyndns');
  const documents = join(stage, 'usr/share/doc/dyndns');
  mkdirSync(join(stage, 'usr/bin'), { recursive: true });
  mkdirSync(documents, { recursive: true });
  cpSync(program, library, { recursive: true });
  stageModules(library, `linux-${platform}`);
  for (const item of readdirSync(library)) {
    if (['bin', 'dist', 'node_modules', 'package.json'].includes(item)) continue;
    if (item === 'LICENSE') rmSync(join(library, item));
    else renameSync(join(library, item), join(documents, item));
  }
  for (const script of ['bin/dyndns.js', 'dist/cli/main.js']) {
    const file = join(library, script);
    // Another Node.js in the PATH of root must not run it.
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('#!/usr/bin/env node\n', isBundled ? '' : '#!/usr/bin/node\n'),
    );
  }
  // Relative: the link is right in any root.
  symlinkSync('../lib/dyndns/bin/dyndns.js', join(stage, 'usr/bin/dyndns'));
}

async function stageNode(stage, platform) {
  const folder = join(stage, 'usr/lib/dyndns/bin');
  await withFolder(async (node) => {
    await extractNode(platform, node);
    cpSync(join(node, 'bin/node'), join(folder, 'node'));
    mkdirSync(join(stage, 'usr/share/doc/dyndns-bundled'), { recursive: true });
    writeFileSync(
      join(stage, 'usr/share/doc/dyndns-bundled/LICENSE.node.gz'),
      compress(readFileSync(join(node, 'LICENSE'))),
    );
  });
  cpSync(join(SOURCES, 'dyndns.sh'), join(folder, 'dyndns'));
  const link = join(stage, 'usr/bin/dyndns');
  rmSync(link);
  symlinkSync('../lib/dyndns/bin/dyndns', link);
}

function changelog(name) {
  const date = new Date(EPOCH * 1000).toUTCString().replace('GMT', '+0000');
  const text = '  * Changes are listed in /usr/share/doc/dyndns/CHANGELOG.md.';
  return `${name} (${DEBIAN_VERSION}) unstable; urgency=medium\n\n${text}\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** The licence of the program; those of the npm packages are beside their code. */
function copyright(isBundled) {
  const indent = (text) =>
    text
      .trim()
      .split('\n')
      .map((line) => ` ${line.trim() || '.'}`)
      .join('\n');
  const [, holders, ...terms] = readFileSync(join(root, 'LICENSE'), 'utf8')
    .split('\n\n')
    .map((part) => part.trim());
  const author = holders.replace(/^Copyright \(c\) /, '');
  const node = `\nFiles: usr/lib/dyndns/bin/node\nCopyright: Node.js contributors\nLicense: Node.js\n See LICENSE.node.gz in this folder.\n`;
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: dyndns

Files: *
Copyright: ${author}
License: Expat
${indent(terms.join('\n\n'))}

Files: usr/lib/dyndns/node_modules/*
Copyright: see the licence file in each folder
License: MIT, ISC, BSD or Apache-2.0
 Each folder has the licence of its package; sbom.cdx.json lists them all. On Debian systems the text of the Apache licence, version 2.0,
 is in /usr/share/common-licenses/Apache-2.0.
${isBundled ? node : ''}`;
}

/** Each line of the file has its reason above it; the tags of the file apply to both packages. */
function lintianOverrides(name) {
  const text = readFileSync(join(SOURCES, 'lintian-overrides'), 'utf8');
  return text.replaceAll(/^(?!#)(?=.)/gm, `${name}: `);
}

function finish(stage, name, architecture) {
  normalize(stage);
  const control = join(stage, 'DEBIAN');
  mkdirSync(control);
  const files = filesBelow(stage).filter((path) => !path.startsWith('DEBIAN/'));
  const sums = files.map(
    (path) =>
      `${createHash('md5')
        .update(readFileSync(join(stage, path)))
        .digest('hex')}  ${path}\n`,
  );
  const bytes = files.reduce((sum, path) => sum + lstatSync(join(stage, path)).size, 0);
  writeFileSync(join(control, 'md5sums'), sums.join(''));
  writeFileSync(join(control, 'control'), controlFile(name, architecture, Math.ceil(bytes / 1024)));
  for (const script of ['postinst', 'prerm', 'postrm']) cpSync(join(SOURCES, script), join(control, script));
  normalize(control);
  const file = `${name}_${DEBIAN_VERSION}_${architecture}.deb`;
  // One thread: the octets depend on the number of threads. Level 2 takes a quarter of the time of 6, for 10 % more octets.
  const args = ['--root-owner-group', '-Zxz', '-z2', '--threads-max=1', '--build', stage, outputFile(file)];
  const { status, stderr, error } = spawnSync('dpkg-deb', args, {
    encoding: 'utf8',
    env: { ...env, SOURCE_DATE_EPOCH: String(EPOCH) },
  });
  if (status !== 0) throw new Error(`dpkg-deb failed: ${error?.message ?? stderr}`);
  return file;
}

function controlFile(name, architecture, kibibytes) {
  const { other, depends, summary, note } = VARIANTS[name];
  return `Package: ${name}
Version: ${DEBIAN_VERSION}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: ${depends}
Conflicts: ${other}
Replaces: ${other}
${name === 'dyndns' ? '' : `Provides: ${other} (= ${DEBIAN_VERSION})\n`}Section: net
Priority: optional
Description: ${summary}
 A router or an update client reports a changed address over HTTP, and dyndns
 changes DNS: by signed DNS UPDATE (RFC 2136) at BIND, Knot DNS or PowerDNS, or
 in zones that it serves itself.
 .
${note}`;
}

/** The paths of all files and links, in a fixed order. */
function filesBelow(folder, before = '') {
  return readdirSync(join(folder, before), { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((item) => {
      const path = before === '' ? item.name : `${before}/${item.name}`;
      if (item.isDirectory()) return filesBelow(folder, path);
      return item.isFile() ? [path] : [];
    });
}

/**
 * The files of the image, in three layers: libraries with the few files that they read, Node.js, dyndns. There is no shell and
 * no package manager. The user is `dyndns`, with the number 10001; only its data folder is writable.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { extractNode } from '../node.mjs';
import { stageModules, stageProgram } from '../program.mjs';
import { withFolder } from '../release.mjs';

export const USER = 10001;
export const DATA = 'var/lib/dyndns';
export const PROGRAM = '/usr/bin/dyndns';

const PLACE = 'usr/lib/dyndns';
/** Of the npm package; not used at run time. */
const UNUSED = [
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'deploy',
  'docs',
  'openwrt',
];

/** @param libraries entries of debianLibraries() */
export function systemLayer(libraries) {
  const file = (path, text) => ({ path, kind: 'file', content: Buffer.from(text) });
  return [
    ...libraries,
    { path: 'lib', kind: 'link', target: 'usr/lib' },
    { path: 'lib64', kind: 'link', target: 'usr/lib64' },
    { path: 'usr/lib64', kind: 'folder' },
    { path: 'tmp', kind: 'folder', mode: 0o1777 },
    ...['dev', 'proc', 'sys', 'run'].map((path) => ({ path, kind: 'folder' })),
    { path: DATA, kind: 'folder', mode: 0o700, owner: USER },
    file(
      'etc/passwd',
      `root:x:0:0:root:/:/usr/sbin/nologin\ndyndns:x:${USER}:${USER}:dyndns:/${DATA}:/usr/sbin/nologin\n`,
    ),
    file('etc/group', `root:x:0:\ndyndns:x:${USER}:\n`),
    file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ];
}

/** @param architecture `x64` or `arm64` */
export function nodeLayer(architecture) {
  return withFolder(async (folder) => {
    await extractNode(architecture, folder);
    return [
      { path: 'usr/bin/node', kind: 'file', mode: 0o755, content: readFileSync(join(folder, 'bin', 'node')) },
      { path: 'usr/share/doc/node/LICENSE', kind: 'file', content: readFileSync(join(folder, 'LICENSE')) },
    ];
  });
}

/** The program with its packages. It is compiled once and differs only in SQLite's native file. @param architectures as Node.js names them */
export function programLayers(architectures) {
  return withFolder((folder) => {
    const program = join(folder, 'program');
    mkdirSync(program);
    stageProgram(program);
    for (const name of UNUSED) rmSync(join(program, name), { recursive: true, force: true });
    const common = [
      ...filesBelow(program, PLACE).map(startedByNode),
      { path: 'usr/bin/dyndns', kind: 'link', target: '../lib/dyndns/bin/dyndns.js' },
    ];
    return architectures.map((architecture) => {
      const modules = join(folder, architecture);
      mkdirSync(modules);
      stageModules(modules, `linux-${architecture}`);
      return [...common, ...filesBelow(modules, PLACE)];
    });
  });
}

/** There is no /usr/bin/env in the image. */
function startedByNode(entry) {
  if (entry.path !== `${PLACE}/bin/dyndns.js`) return entry;
  const content = Buffer.from(entry.content.toString().replace(/^#!.*/, '#!/usr/bin/node'));
  return { ...entry, mode: 0o755, content };
}

function filesBelow(folder, place) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((item) => {
    const path = `${place}/${item.name}`;
    const from = join(folder, item.name);
    return item.isDirectory() ? filesBelow(from, path) : [{ path, kind: 'file', content: readFileSync(from) }];
  });
}

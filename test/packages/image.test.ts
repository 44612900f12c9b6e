/**
 * The writer of image archives: real tar reads what it writes, and scripts/image-test.mjs works on a small image. That script
 * alone makes the whole image and starts it, which takes minutes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { REPOSITORY } from '../support/installation.ts';
import { runProgram } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'dyndns-image-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a module that uses files of packaging/. @returns its output */
async function runModule(text: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(process.execPath, ['--input-type=module', '-e', text], {
    cwd: join(REPOSITORY, 'packaging'),
  });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const LONG = `usr/${'folder/'.repeat(20)}file`;

it('tar lists the entries with folders, modes, owners, links and long names; the reader finds the same', async () => {
  const file = join(folder, 'entries.tar');
  const names = await runModule(`
    import { writeFileSync } from 'node:fs';
    import { readTar, writeTar } from './oci/tar.mjs';
    const archive = writeTar([
      { path: 'usr/bin/dyndns', kind: 'link', target: '../lib/dyndns.js' },
      { path: '${LONG}', kind: 'file', content: Buffer.alloc(513, 'x') },
      { path: 'data', kind: 'folder', mode: 0o700, owner: 10001 },
      { path: 'a', kind: 'file', mode: 0o755, content: Buffer.from('text') },
    ], 86400);
    writeFileSync('${file}', archive);
    console.log(readTar(archive).map(({ path, kind, content }) => [path, kind, content.length].join(' ')).join('\\n'));`);
  const { stdout } = await runProgram('tar', ['--utc', '--numeric-owner', '-tvf', file]);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^-rwxr-xr-x 0\/0 +4 1970-01-02 00:00 a$/);
  expect(lines).toContainEqual(expect.stringMatching(/^drwx------ 10001\/10001 +0 1970-01-02 00:00 data\/$/));
  expect(lines).toContainEqual(expect.stringMatching(/^drwxr-xr-x 0\/0 +0 1970-01-02 00:00 usr\/bin\/$/));
  expect(lines).toContainEqual(expect.stringMatching(/^lrwxrwxrwx .* usr\/bin\/dyndns -> \.\.\/lib\/dyndns\.js$/));
  expect(lines.at(-1)).toMatch(new RegExp(`^-rw-r--r-- 0/0 +513 1970-01-02 00:00 ${LONG}$`));
  expect(names.trimEnd().split('\n')).toHaveLength(lines.length);
  expect(names).toContain(`${LONG} file 513\n`);
});

it('the check of an image finds a changed octet; the same files give the same image', async () => {
  const output = await runModule(`
    import { checkLayout } from './oci/check.mjs';
    import { writeLayout } from './oci/layout.mjs';
    import { readTar, writeTar } from './oci/tar.mjs';
    const layer = (text) => ({ title: text, entries: [{ path: 'a', kind: 'file', content: Buffer.from(text) }] });
    const layout = (architecture, text) => writeLayout(
      [{ architecture, labels: {}, layers: [layer(text)] }], { name: 'x', version: '1', seconds: 0, config: {} });
    const right = layout('amd64', 'one');
    const damaged = readTar(right).map((entry) => ({ ...entry, content: Buffer.from(entry.content) }));
    const blob = damaged.find(({ path, kind }) => path.startsWith('blobs/') && kind === 'file');
    blob.content[9] ^= 1;
    console.log(JSON.stringify([
      checkLayout(right).problems,
      checkLayout(writeTar(damaged, 0)).problems.length > 0,
      layout('amd64', 'one').equals(right),
      layout('amd64', 'two').equals(right),
    ]));`);
  expect(JSON.parse(output)).toEqual([[], true, true, false]);
});

it('scripts/image-test.mjs checks a small image', async () => {
  const script = join(REPOSITORY, 'scripts/image-test.mjs');
  const { code, stdout } = await runProgram(process.execPath, [script, '--smoke'], { cwd: REPOSITORY });
  expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, '3 passed, 0 failed, 0 skipped']);
});

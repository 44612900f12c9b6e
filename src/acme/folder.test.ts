/** The folder of key and certificate: modes, atomic replacement, and files that others left there. */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testDirectory } from '../../test/support/test-directory.ts';
import { AcmeFolder } from './folder.ts';

const CHALLENGE = { zone: 'example.com.', ownerName: '_acme-challenge.example.com.', values: ['a', 'b'] };

async function openFolder() {
  const path = join(testDirectory('acme'), 'state', 'acme');
  const folder = new AcmeFolder(path);
  await folder.create();
  return { folder, path };
}

it('is created with mode 0700, its files with 0600, even if a readable temporary file was left there', async () => {
  const { folder, path } = await openFolder();
  writeFileSync(join(path, 'certificate.pem.new'), 'half of a', { mode: 0o644 });
  await folder.writeCertificate('ec', 'the certificate');
  await folder.accountKey();
  await folder.writeChallenges([CHALLENGE]);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(readdirSync(path).sort()).toEqual(['account-key.pem', 'certificate.pem', 'challenges.json']);
  for (const file of readdirSync(path)) expect([file, statSync(join(path, file)).mode & 0o777]).toEqual([file, 0o600]);
  expect(await folder.findCertificate('ec')).toBe('the certificate');
});

it('replaces a file atomically: an open file keeps the old content', async () => {
  const { folder, path } = await openFolder();
  await folder.writeCertificate('ec', 'old');
  const inode = statSync(join(path, 'certificate.pem')).ino;
  await folder.writeCertificate('ec', 'new');
  expect(statSync(join(path, 'certificate.pem')).ino).not.toBe(inode);
  expect(readFileSync(folder.certificateFile('ec'), 'utf8')).toBe('new');
});

it('does not follow a symbolic link at the place of the temporary file', async () => {
  const { folder, path } = await openFolder();
  const target = join(path, '..', 'target');
  writeFileSync(target, 'untouched');
  symlinkSync(target, join(path, 'certificate.pem.new'));
  await folder.writeCertificate('ec', 'secret');
  expect(readFileSync(target, 'utf8')).toBe('untouched');
});

it('has one account key, created at the first call', async () => {
  const { folder, path } = await openFolder();
  const key = await folder.accountKey();
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(await new AcmeFolder(path).accountKey()).toBe(key);
});

it('lists the published records, and has no file if there are none', async () => {
  const { folder, path } = await openFolder();
  expect(await folder.challenges()).toEqual([]);
  await folder.writeChallenges([CHALLENGE]);
  expect(await new AcmeFolder(path).challenges()).toEqual([CHALLENGE]);
  await folder.writeChallenges([]);
  expect(readdirSync(path)).toEqual([]);
});

it.each(['', 'no JSON', '{}', '[null, {"zone": "x"}, {"zone": 1, "ownerName": "x", "values": []}]'])(
  'ignores a list that contains %j',
  async (text) => {
    const { folder, path } = await openFolder();
    writeFileSync(join(path, 'challenges.json'), text);
    expect(await folder.challenges()).toEqual([]);
  },
);

it('does not change the mode of an existing folder', async () => {
  const path = join(testDirectory('acme'), 'own');
  mkdirSync(path, { mode: 0o750 });
  await new AcmeFolder(path).create();
  expect(statSync(path).mode & 0o777).toBe(0o750);
});

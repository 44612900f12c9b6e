// The folder of key and certificate: modes, whole files, and what is left by somebody else.
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testDirectory } from '../../test/support/test-directory.ts';
import { AcmeFolder } from './folder.ts';

const NOTE = { zone: 'example.com.', ownerName: '_acme-challenge.example.com.', values: ['a', 'b'] };

async function openFolder() {
  const path = join(testDirectory('acme'), 'state', 'acme');
  const folder = new AcmeFolder(path);
  await folder.make();
  return { folder, path };
}

it('is made with mode 0700, its files with 0600, also where a temporary file was left that others can read', async () => {
  const { folder, path } = await openFolder();
  writeFileSync(join(path, 'certificate.pem.new'), 'half of a', { mode: 0o644 });
  await folder.writeCertificate('the certificate');
  await folder.accountKey();
  await folder.writeChallenges([NOTE]);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(readdirSync(path).sort()).toEqual(['account-key.pem', 'certificate.pem', 'challenges.json']);
  for (const file of readdirSync(path)) expect([file, statSync(join(path, file)).mode & 0o777]).toEqual([file, 0o600]);
  expect(await folder.findCertificate()).toBe('the certificate');
});

it('replaces a file whole: who has the old one open reads the old one', async () => {
  const { folder, path } = await openFolder();
  await folder.writeCertificate('old');
  const inode = statSync(join(path, 'certificate.pem')).ino;
  await folder.writeCertificate('new');
  expect(statSync(join(path, 'certificate.pem')).ino).not.toBe(inode);
  expect(readFileSync(folder.certificateFile, 'utf8')).toBe('new');
});

it('does not write through a link that somebody put in the place of the temporary file', async () => {
  const { folder, path } = await openFolder();
  const target = join(path, '..', 'target');
  writeFileSync(target, 'untouched');
  symlinkSync(target, join(path, 'certificate.pem.new'));
  await folder.writeCertificate('secret');
  expect(readFileSync(target, 'utf8')).toBe('untouched');
});

it('has one key of the account, made at the first call', async () => {
  const { folder, path } = await openFolder();
  const key = await folder.accountKey();
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(await new AcmeFolder(path).accountKey()).toBe(key);
});

it('remembers what is published, and has no file where that is nothing', async () => {
  const { folder, path } = await openFolder();
  expect(await folder.challenges()).toEqual([]);
  await folder.writeChallenges([NOTE]);
  expect(await new AcmeFolder(path).challenges()).toEqual([NOTE]);
  await folder.writeChallenges([]);
  expect(readdirSync(path)).toEqual([]);
});

it.each(['', 'no JSON', '{}', '[null, {"zone": "x"}, {"zone": 1, "ownerName": "x", "values": []}]'])(
  'passes over %j in the place of its list',
  async (text) => {
    const { folder, path } = await openFolder();
    writeFileSync(join(path, 'challenges.json'), text);
    expect(await folder.challenges()).toEqual([]);
  },
);

it('leaves a folder that is there as it is', async () => {
  const path = join(testDirectory('acme'), 'own');
  mkdirSync(path, { mode: 0o750 });
  await new AcmeFolder(path).make();
  expect(statSync(path).mode & 0o777).toBe(0o750);
});

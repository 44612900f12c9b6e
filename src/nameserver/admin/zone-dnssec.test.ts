/** What is said of signed zones, from the published version and the keys on disk. The commands: test/cli/zone-dnssec.test.ts. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { editedZone } from '../../../test/support/edited-zone.ts';
import { change, newSigningKey, signedZone } from '../../../test/support/signed-zone.ts';
import { testDirectory } from '../../../test/support/test-directory.ts';
import { AppError } from '../../core/errors.ts';
import { formatKeyFiles } from '../../dns/dnssec/key-file.ts';
import { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { KeyStore } from '../keys/key-store.ts';
import { expirationOf } from '../zone/signatures.ts';
import { allRRsets } from '../zone/zone-node.ts';
import { rdataText, type ZoneVersion } from '../zone/zone-version.ts';
import { EmbeddedZoneDnssec } from './zone-dnssec.ts';

const APEX = DomainName.parse('Example.com.');
const NOW = Date.UTC(2026, 10, 23, 10, 15) / 1000;
const DAY = 86_400;

let directory: string;
let store: KeyStore;
beforeEach(() => {
  directory = testDirectory('dnssec');
  store = new KeyStore(join(directory, 'zones.db'), { now: () => NOW * 1000, onWarning: () => undefined });
});

function dnssecOf(version: ZoneVersion | undefined, now = NOW): EmbeddedZoneDnssec {
  const find = (apex: DomainName) => {
    if (!apex.equals(APEX)) throw new AppError('name-invalid', 'no such zone');
    return version;
  };
  return new EmbeddedZoneDnssec({ find, keys: store, now: () => now });
}

const policy = (validityDays: number) => ({ validitySeconds: validityDays * DAY, now: () => NOW });
const filesOf = (key: ReturnType<typeof newSigningKey>) => formatKeyFiles({ key, times: {} });

describe('the status of a zone', () => {
  it('that is not signed has no keys and no signatures', async () => {
    expect(await dnssecOf(editedZone('Example.com.').published).status(APEX)).toEqual({
      zone: 'Example.com.',
      state: 'unsigned',
      serial: 1,
      keys: [],
    });
  });

  it('that is signed has DNSKEY and DS in both notations, and counts its signatures', async () => {
    const { key } = store.generate(APEX, 13);
    const { published } = signedZone('Example.com.', { keys: [key], announced: [key], chain: 'nsec', ...policy(30) });
    const status = await dnssecOf(published).status(APEX);
    expect(status).toMatchObject({ zone: 'Example.com.', state: 'signed', serial: published.serial, chain: 'nsec' });
    expect(status.problem).toBeUndefined();
    const [only] = status.keys;
    expect(only).toMatchObject({ keyTag: key.keyTag, algorithm: 13, mnemonic: 'ECDSAP256SHA256' });
    const publicKey = Buffer.from(key.dnskey.publicKey).toString('base64');
    expect(only!.dnskey).toEqual({
      flags: 257,
      protocol: 3,
      algorithm: 13,
      publicKey,
      record: `Example.com. IN DNSKEY 257 3 13 ${publicKey}`,
    });
    const { digest, record, ...fields } = only!.ds!;
    expect(fields).toEqual({ keyTag: key.keyTag, algorithm: 13, digestType: 2 });
    expect(digest).toMatch(/^[0-9A-F]{64}$/);
    expect(record).toBe(`Example.com. IN DS ${key.keyTag} 13 2 ${digest}`);
    const signatures = [...published.nodes.values()].flatMap(allRRsets).flatMap((rrset) => rrset.signatures ?? []);
    expect(signatures.length).toBeGreaterThan(4);
    const times = signatures.map(expirationOf);
    const text = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
    expect(status.signatures).toEqual({
      count: signatures.length,
      earliestExpiration: text(Math.min(...times)),
      latestExpiration: text(Math.max(...times)),
      expired: 0,
    });
  });

  it('tells how many signatures have expired', async () => {
    const zone = signedZone('Example.com.', policy(30));
    const before = await dnssecOf(zone.published).status(APEX);
    const past = await dnssecOf(zone.published, NOW + 31 * DAY).status(APEX);
    expect([before.signatures!.expired, past.signatures!.expired]).toEqual([0, before.signatures!.count]);
    expect(past.signatures!.count).toBeGreaterThan(0);
  });

  it('gives no DS while the zone has no CDS of the key (RFC 7344 §4), and says when it leaves (RFC 8078 §4)', async () => {
    const [old, next] = [newSigningKey(APEX), newSigningKey(APEX, 'ed25519')];
    const both = signedZone('Example.com.', { keys: [old, next], announced: [old], ...policy(30) });
    const { keys, state } = await dnssecOf(both.published).status(APEX);
    const hasDs = new Map(keys.map(({ keyTag, ds }) => [keyTag, ds !== undefined]));
    expect([state, hasDs.get(old.keyTag), hasDs.get(next.keyTag)]).toEqual(['signed', true, false]);
    expect(keys.map(({ keyTag }) => keyTag)).toEqual([old.keyTag, next.keyTag].sort((a, b) => a - b));
    const leaving = signedZone('Example.com.', { keys: [old], announced: 'delete', ...policy(30) });
    const last = await dnssecOf(leaving.published).status(APEX);
    expect([last.state, last.keys.map(({ ds }) => ds)]).toEqual(['leaving', [undefined]]);
  });

  it('names keys that are missing or damaged, without an error', async () => {
    const { key } = store.generate(APEX, 13);
    const { published } = signedZone('Example.com.', { keys: [key], ...policy(30) });
    const { baseName } = store.exportKey(APEX, key.keyTag);
    const file = join(directory, 'keys/example.com', `${baseName}.private`);
    writeFileSync(file, '');
    expect((await dnssecOf(published).status(APEX)).problem).toContain(baseName);
    rmSync(join(directory, 'keys'), { recursive: true });
    expect((await dnssecOf(published).status(APEX)).problem).toMatch(
      new RegExp(`^The zone 'Example\\.com\\.' is signed with the key ${key.keyTag}, which is not in`),
    );
  });

  it('is refused for a zone that is not served or not there', async () => {
    await expect(dnssecOf(undefined).status(APEX)).rejects.toMatchObject({ code: 'primary-refused' });
    await expect(dnssecOf(undefined).keys(DomainName.parse('x.example'))).rejects.toMatchObject({
      code: 'name-invalid',
    });
  });
});

describe('keys of a zone', () => {
  it('are listed with their use', async () => {
    const used = store.generate(APEX, 13).key;
    const spare = store.importKey(APEX, ...textsOf(newSigningKey(APEX, 'ed25519'))).key;
    const { published } = signedZone('Example.com.', { keys: [used], ...policy(30) });
    expect(await dnssecOf(published).keys(APEX)).toEqual(
      [
        {
          keyTag: used.keyTag,
          algorithm: 13,
          mnemonic: 'ECDSAP256SHA256',
          published: true,
          created: '2026-11-23T10:15:00Z',
        },
        { keyTag: spare.keyTag, algorithm: 15, mnemonic: 'ED25519', published: false },
      ].sort((a, b) => a.keyTag - b.keyTag),
    );
  });

  it('can be imported before the zone is signed, and put back when it is; another one is refused', async () => {
    const [key, other] = [newSigningKey(APEX), newSigningKey(APEX)];
    const zone = editedZone('Example.com.');
    expect(await dnssecOf(zone.published).importKey(APEX, ...textsOf(other))).toMatchObject({ published: false });
    store.remove(APEX, other.keyTag);
    const { published } = signedZone('Example.com.', { keys: [key], ...policy(30) });
    await expect(dnssecOf(published).importKey(APEX, ...textsOf(other))).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`is signed with the key ${key.keyTag}.`),
    });
    expect(store.load(APEX)).toEqual([]);
    expect(await dnssecOf(published).importKey(APEX, ...textsOf(key))).toMatchObject({ published: true });
    // A zone that is not served because its key is missing.
    expect(await dnssecOf(undefined).importKey(APEX, ...textsOf(key))).toMatchObject({ keyTag: key.keyTag });
    expect(await dnssecOf(published).exportKey(APEX, key.keyTag)).toEqual(filesOf(key));
  });

  it('errors are those of the operation, and have nothing of the private key', async () => {
    const key = newSigningKey(APEX);
    const { publicText, privateText } = filesOf(key);
    const secret = /PrivateKey: (.+)/.exec(privateText)![1]!;
    const failures = [
      dnssecOf(undefined).importKey(APEX, publicText, privateText.replace(secret, `${secret.slice(1)}A`)),
      dnssecOf(undefined).importKey(APEX, ...textsOf(newSigningKey(DomainName.parse('other.example')))),
      dnssecOf(undefined).exportKey(APEX, 1),
    ];
    const errors = await Promise.all(failures.map((failure) => failure.catch((error: unknown) => error as AppError)));
    expect(errors.map((error) => (error as AppError).code)).toEqual([
      'request-malformed',
      'request-malformed',
      'name-invalid',
    ]);
    for (const error of errors) expect(String((error as AppError).message)).not.toContain(secret.slice(4, 16));
  });
});

function textsOf(key: ReturnType<typeof newSigningKey>): [string, string] {
  const { publicText, privateText } = filesOf(key);
  return [publicText, privateText];
}

// A zone with a change after its first signing, whose signatures expire at different times.
it('the first and the last expiration are of different signatures after a change', async () => {
  let now = NOW;
  const zone = signedZone('Example.com.', { validitySeconds: 30 * DAY, now: () => now });
  now += 5 * DAY;
  const rrset = { type: RRType.A, ttl: 300, rdatas: [rdataText({ kind: 'A', address: '192.0.2.1' })] };
  change(zone, (draft) => draft.setRRset(DomainName.parse('a', APEX), rrset));
  const { signatures } = await dnssecOf(zone.published).status(APEX);
  const span = Date.parse(signatures!.latestExpiration) - Date.parse(signatures!.earliestExpiration);
  expect(span / 1000 / DAY).toBeGreaterThanOrEqual(5);
});

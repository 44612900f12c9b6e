/**
 * Keys against the programs of BIND: key files of dnssec-keygen are read here and ours there, the private one octet by octet; DS
 * records are those of dnssec-dsfromkey, and CDS records those of dnssec-signzone.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { signableRRset } from '../../src/dns/dnssec/canonical.ts';
import { dsOfKey, matchDs } from '../../src/dns/dnssec/delegation.ts';
import { formatKeyFiles, type KeyPair, type KeyTimes, parseKeyFiles } from '../../src/dns/dnssec/key-file.ts';
import { SigningKey } from '../../src/dns/dnssec/signing-key.ts';
import { ZoneKeys } from '../../src/dns/dnssec/verify.ts';
import { DomainName } from '../../src/dns/name.ts';
import { formatRdata, parseRdata } from '../../src/dns/presentation/rdata-text.ts';
import { type DsFields, RRType } from '../../src/dns/rdata.ts';
import { parseZoneFile } from '../../src/dns/zone-file/zone-file.ts';
import { runOrThrow } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { testDirectory } from '../support/test-directory.ts';
import { groupRRsets } from '../support/whole-zone-signing.ts';

const BIND_TOOLS = ['dnssec-keygen', 'dnssec-signzone', 'dnssec-dsfromkey', 'dnssec-settime'].map((command) => ({
  command,
  debianPackage: 'bind9-utils',
}));

const ZONES = ['example.com.', 'Example.ORG.', String.raw`e\.x\000\032\%_-\200.Example.`, '.'];
const ALGORITHMS = ['ECDSAP256SHA256', 'ED25519'];
const CASES = ZONES.flatMap((zone) => ALGORITHMS.map((algorithm) => ({ zone, algorithm })));

const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;
/** In the past, so that dnssec-signzone uses the key and publishes its CDS and CDNSKEY. */
const ACTIVE: KeyTimes = { Created: NOW - DAY, Publish: NOW - DAY, Activate: NOW - DAY, SyncPublish: NOW - DAY };

/** The files of dnssec-keygen. */
async function bindKey(options: readonly string[], zone: string): Promise<{ baseName: string; directory: string }> {
  const directory = testDirectory('keys');
  const baseName = (await runOrThrow('dnssec-keygen', ['-q', '-K', directory, ...options, zone])).trim();
  return { baseName, directory };
}

const textsAt = (directory: string, baseName: string): readonly [publicText: string, privateText: string] => [
  readFileSync(join(directory, `${baseName}.key`), 'latin1'),
  readFileSync(join(directory, `${baseName}.private`), 'latin1'),
];

function ownKey(zone: string, algorithm: string, times: KeyTimes): KeyPair {
  const { privateKey } =
    algorithm === 'ED25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { key: new SigningKey(DomainName.parse(zone), privateKey), times };
}

function writeKey(directory: string, pair: KeyPair): string {
  const { baseName, publicText, privateText } = formatKeyFiles(pair);
  writeFileSync(join(directory, `${baseName}.key`), publicText);
  writeFileSync(join(directory, `${baseName}.private`), privateText);
  return baseName;
}

/** The number of P-256 with all of its 32 octets: BIND leaves out those at the beginning that are zero. */
const padded = (privateText: string): string =>
  privateText.replace(/(?<=PrivateKey: ).*/, (text) => {
    const octets = Buffer.from(text, 'base64');
    return Buffer.concat([Buffer.alloc(32 - octets.length), octets]).toString('base64');
  });

/** The DNSKEY record of a file, without the spaces that BIND writes in base64. */
const recordOf = (publicText: string): string => {
  const [line = ''] = publicText.split('\n').filter((text) => text !== '' && !text.startsWith(';'));
  return line.replace(/(?<=[A-Za-z0-9+/]{20,}) /g, '');
};

/** The DS of a key file. @param digest as dnssec-dsfromkey names it */
async function dsOfFile(directory: string, baseName: string, digest: string): Promise<DsFields> {
  const text = await runOrThrow('dnssec-dsfromkey', ['-a', digest, join(directory, `${baseName}.key`)]);
  const rdata = parseRdata(RRType.DS, text.slice(text.indexOf(' DS ') + 4));
  if (rdata.kind !== 'DS') throw new Error(text);
  return rdata;
}

const dsText = (ds: DsFields): string => formatRdata(RRType.DS, { ...ds, kind: 'DS' });

describeWith(BIND_TOOLS, 'key files of dnssec-keygen', () => {
  it.each(CASES)('$zone, $algorithm: are read, and written with the same names and octets', async (each) => {
    const { zone, algorithm } = each;
    const { baseName, directory } = await bindKey(['-a', algorithm, '-f', 'KSK'], zone);
    const [publicText, privateText] = textsAt(directory, baseName);
    const files = formatKeyFiles(parseKeyFiles(publicText, privateText));
    expect(files.baseName).toBe(baseName);
    expect(files.privateText).toBe(padded(privateText));
    expect(recordOf(files.publicText)).toBe(recordOf(publicText));
  });

  it.each(CASES)('$zone, $algorithm: the DS is that of dnssec-dsfromkey', async ({ zone, algorithm }) => {
    const { baseName, directory } = await bindKey(['-a', algorithm], zone);
    const { key } = parseKeyFiles(...textsAt(directory, baseName));
    expect(dsText(dsOfKey(key.zone, key.dnskey))).toBe(dsText(await dsOfFile(directory, baseName, 'SHA-256')));
    const outcomes = await Promise.all(
      ['SHA-256', 'SHA-384', 'SHA-1'].map(async (digest) =>
        matchDs(key.zone, key.dnskey, await dsOfFile(directory, baseName, digest)),
      ),
    );
    expect(outcomes).toEqual(['match', 'match', 'unsupported']);
  });

  it('with every time and a TTL are read and written', async () => {
    const times = ['P', 'A', 'R', 'I', 'D'].flatMap((letter, i) => [`-${letter}`, `+${i + 1}d`]);
    const options = ['-a', 'ED25519', '-L', '3600', ...times, '-P', 'sync', '+6d', '-D', 'sync', '+7d'];
    const { baseName, directory } = await bindKey(options, 'example.com');
    const [publicText, privateText] = textsAt(directory, baseName);
    expect(publicText).toContain('example.com. 3600 IN DNSKEY');
    const pair = parseKeyFiles(publicText, privateText);
    const days = Object.entries(pair.times).map(([name, time]) => [name, (time - pair.times.Created!) / DAY]);
    expect(Object.fromEntries(days)).toEqual({
      ...{ Created: 0, Publish: 1, Activate: 2, Revoke: 3, Inactive: 4, Delete: 5, SyncPublish: 6, SyncDelete: 7 },
    });
    expect(formatKeyFiles(pair).privateText).toBe(privateText);
  });
});

describeWith(BIND_TOOLS, 'our key files', () => {
  it.each(CASES)(
    '$zone, $algorithm: dnssec-settime changes a time, and the rest stays',
    async ({ zone, algorithm }) => {
      const directory = testDirectory('keys');
      const pair = ownKey(zone, algorithm, ACTIVE);
      const baseName = writeKey(directory, pair);
      await runOrThrow('dnssec-settime', ['-I', '20300101000000', join(directory, baseName)]);
      const [publicText, privateText] = textsAt(directory, baseName);
      const expected = { ...pair, times: { ...ACTIVE, Inactive: Date.UTC(2030, 0, 1) / 1000 } };
      expect(padded(privateText)).toBe(formatKeyFiles(expected).privateText);
      expect(recordOf(publicText)).toBe(recordOf(formatKeyFiles(pair).publicText));
      expect(parseKeyFiles(publicText, privateText).times).toEqual(expected.times);
    },
  );

  it('whose number begins with zero octets is read by dnssec-settime, and read here as that writes it', async () => {
    const directory = testDirectory('keys');
    const der = Buffer.from(
      `3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420${'00'.repeat(31)}07`,
      'hex',
    );
    const key = new SigningKey(
      DomainName.parse('example.com.'),
      createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
    );
    const baseName = writeKey(directory, { key, times: ACTIVE });
    await runOrThrow('dnssec-settime', ['-I', '20300101000000', join(directory, baseName)]);
    const [publicText, privateText] = textsAt(directory, baseName);
    expect(privateText).toContain('PrivateKey: Bw==\n');
    expect(parseKeyFiles(publicText, privateText).key.dnskey).toEqual(key.dnskey);
  });

  it.each(CASES)('$zone, $algorithm: dnssec-signzone signs with them, and publishes our CDS', async (each) => {
    const { zone, algorithm } = each;
    const directory = testDirectory('keys');
    const { key } = ownKey(zone, algorithm, ACTIVE);
    const baseName = writeKey(directory, { key, times: ACTIVE });
    expect(dsText(await dsOfFile(directory, baseName, 'SHA-256'))).toBe(dsText(dsOfKey(key.zone, key.dnskey)));
    const file = join(directory, 'zone');
    writeFileSync(file, '$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n');
    const options = ['-K', directory, '-d', directory, '-S', '-z', '-o', zone, '-f', `${file}.signed`];
    await runOrThrow('dnssec-signzone', ['-q', ...options, file]);
    const records = parseZoneFile(readFileSync(`${file}.signed`, 'latin1'), { origin: key.zone });

    const keys = new ZoneKeys(key.zone, [key.dnskey]);
    const rrsets = groupRRsets(records);
    const outcomes = records.flatMap(({ ownerName, rdata }) => {
      if (rdata.kind !== 'RRSIG') return [];
      const rrset = rrsets.find(({ type, ownerName: owner }) => type === rdata.typeCovered && owner.equals(ownerName))!;
      return [keys.verify(signableRRset(rrset), rdata, NOW)];
    });
    // SOA, NS, DNSKEY, CDS, CDNSKEY and NSEC of the apex, A and NSEC of the nameserver.
    expect(outcomes).toEqual(Array(8).fill('valid'));
    const cds = records.flatMap(({ rdata }) => (rdata.kind === 'CDS' ? [matchDs(key.zone, key.dnskey, rdata)] : []));
    expect(cds).toEqual(['match']);
    const { publicKey } = key.dnskey;
    expect(records.flatMap(({ rdata }) => (rdata.kind === 'CDNSKEY' ? [Buffer.from(rdata.publicKey)] : []))).toEqual([
      Buffer.from(publicKey),
    ]);
    expect(readdirSync(directory).filter((name) => name.startsWith('K'))).toHaveLength(2);
  });
});

/** `dyndns zone key …`: the keys that embedded zones are signed with, to and from the files of BIND. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import type { ZoneKeyView } from '../../core/admin/dnssec-operations.ts';
import { readBounded } from '../bounded-file.ts';
import { CommandError, UsageError } from '../output.ts';
import { withSession } from '../session.ts';
import { formatTable, print } from '../table.ts';
import { parseZone } from '../zone-name.ts';

interface Flags {
  readonly json?: boolean;
}

/** The files have about 500 octets. */
const MAX_OCTETS = 65_536;

export function zoneKeyCommand(): Command {
  const key = new Command('key').description('the keys that the zones are signed with (DNSSEC)');
  key.addCommand(
    new Command('list')
      .description('list the keys of a zone that are on disk')
      .argument('<zone>', 'the name of the zone')
      .option('--json', 'print a JSON array')
      .action(async (zoneText: string, { json }: Flags, command: Command) => {
        const zone = parseZone(zoneText).toString();
        await withSession(command, async (session) => {
          const { keys } = await session.call('listZoneKeys', { zone });
          print(keys, json, (list) => formatKeys(zone, list));
        });
      }),
  );
  key.addCommand(
    new Command('export')
      .description('write a key with its private part to two files of BIND, with mode 0600')
      .argument('<zone>', 'the name of the zone')
      .argument('<tag>', 'the key tag, from `dyndns zone key list`')
      .argument('[directory]', 'where the files are written; default: the current directory', '.')
      .option('--json', 'print a JSON object with the paths of the files')
      .action(exportKey),
  );
  key.addCommand(
    new Command('import')
      .description('add a key from two files of BIND, before the zone is signed')
      .argument('<zone>', 'the name of the zone')
      .argument('<file>', 'one of the two files, K….key or K….private; the other is read from the same directory')
      .option('--json', 'print a JSON object')
      .action(importKey),
  );
  return key;
}

function formatKeys(zone: string, keys: readonly ZoneKeyView[]): string {
  if (keys.length === 0) return `The zone '${zone}' has no keys.\n`;
  const rows = keys.map(({ keyTag, algorithm, mnemonic, created, published }) => {
    return [`${keyTag}`, `${algorithm} (${mnemonic})`, created ?? '-', published ? 'signs the zone' : 'not used'];
  });
  return formatTable(['KEY TAG', 'ALGORITHM', 'CREATED', 'USE'], rows);
}

async function exportKey(
  zoneText: string,
  tagText: string,
  directory: string,
  { json }: Flags,
  command: Command,
): Promise<void> {
  const zone = parseZone(zoneText).toString();
  const keyTag = parseKeyTag(tagText);
  await withSession(command, async (session) => {
    const exported = await session.call('exportZoneKey', { zone, keyTag });
    const { publicText, privateText } = exported;
    const base = join(directory, basename(exported.baseName));
    const files = { public: `${base}.key`, private: `${base}.private` };
    const present = Object.values(files).find((file) => existsSync(file));
    if (present !== undefined)
      throw new CommandError(`The file '${present}' exists already; choose another directory.`);
    writeNew(files.private, privateText);
    try {
      writeNew(files.public, publicText);
    } catch (error) {
      rmSync(files.private, { force: true });
      throw error;
    }
    print(files, json, () => `${files.public}\n${files.private}\nAnyone who has the second file can forge the zone.\n`);
  });
}

function writeNew(file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new CommandError(`The file '${file}' cannot be written (${(error as NodeJS.ErrnoException).code}).`);
  }
}

async function importKey(zoneText: string, file: string, { json }: Flags, command: Command): Promise<void> {
  const zone = parseZone(zoneText).toString();
  const base = file.replace(/\.(key|private)$/, '');
  const [publicText, privateText] = [readText(`${base}.key`), readText(`${base}.private`)] as const;
  await withSession(command, async (session) => {
    const key = await session.call('importZoneKey', { zone, publicText, privateText });
    print(
      key,
      json,
      ({ keyTag }) => `The zone '${zone}' has the key ${keyTag}. It signs the zone from the next start on.\n`,
    );
  });
}

/** @throws UsageError */
function readText(file: string): string {
  let octets: Buffer;
  try {
    octets = readBounded(file, MAX_OCTETS);
  } catch (error) {
    throw new UsageError(`The key file '${file}' cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (octets.length > MAX_OCTETS) throw new UsageError(`The file '${file}' is too long for a key.`);
  return octets.toString('utf8');
}

/** @throws UsageError */
function parseKeyTag(text: string): number {
  const tag = Number(text);
  if (/^\d{1,5}$/.test(text) && tag <= 65_535) return tag;
  throw new UsageError(`'${text}' is not a key tag: it must be an integer from 0 to 65535.`);
}

/** `dyndns zone dnssec ZONE`: whether an embedded zone is signed, what its parent needs for that, and when signatures expire. */
import { Command } from 'commander';
import type { DnssecStatus, SignedKeyView } from '../../core/admin/dnssec-operations.ts';
import { withSession } from '../session.ts';
import { print } from '../table.ts';
import { parseZone } from '../zone-name.ts';

export function zoneDnssecCommand(): Command {
  return new Command('dnssec')
    .description('print the state of the signatures of a zone, and the DS record for its parent')
    .argument('<zone>', 'the name of the zone')
    .option('--json', 'print a JSON object')
    .action(async (zoneText: string, { json }: { json?: boolean }, command: Command) => {
      const zone = parseZone(zoneText).toString();
      await withSession(command, async (session) => {
        print(await session.call('showDnssec', { zone }), json, formatStatus);
      });
    });
}

export function formatStatus(status: DnssecStatus): string {
  const { zone, state, serial, keys, chain, signatures, problem } = status;
  if (state === 'unsigned') {
    return `${zone}  not signed, serial ${serial}\n  To sign it, set 'dnssec: true' for the zone in the configuration.\n`;
  }
  const leaving = state === 'leaving' ? ', and requests that its parent deletes the DS record' : '';
  const lines = [`${zone}  signed with ${chain?.toUpperCase()}, serial ${serial}${leaving}`];
  if (problem !== undefined) lines.push(`  PROBLEM: ${problem}`);
  if (signatures !== undefined) {
    const { count, earliestExpiration, expired } = signatures;
    const some = expired === 0 ? '' : `; ${expired} HAVE EXPIRED`;
    lines.push(`  ${count} signatures, the first expires ${earliestExpiration}${some}`);
  }
  return `${[...lines, ...keys.flatMap(formatKey)].join('\n')}\n`;
}

function formatKey({ keyTag, algorithm, mnemonic, ds, dnskey }: SignedKeyView): readonly string[] {
  const parent =
    ds === undefined
      ? ['  Do not give the DS record of this key to the parent yet.']
      : [
          '  DS record for the parent:',
          `    ${ds.record}`,
          '  The same for a form of a registrar:',
          ...fields([
            ['Key tag', ds.keyTag],
            ['Algorithm', `${ds.algorithm} (${mnemonic})`],
            ['Digest type', `${ds.digestType}${ds.digestType === 2 ? ' (SHA-256)' : ''}`],
            ['Digest', ds.digest],
          ]),
        ];
  return [
    `Key ${keyTag}, algorithm ${algorithm} (${mnemonic})`,
    ...parent,
    '  DNSKEY record, for a registrar that makes the DS record itself:',
    `    ${dnskey.record}`,
    ...fields([
      ['Flags', dnskey.flags],
      ['Protocol', dnskey.protocol],
      ['Algorithm', dnskey.algorithm],
      ['Public key', dnskey.publicKey],
    ]),
  ];
}

function fields(rows: readonly (readonly [string, string | number])[]): readonly string[] {
  return rows.map(([name, value]) => `    ${name.padEnd(13)}${value}`);
}

/** `dyndns zone dnssec ZONE`: whether an embedded zone is signed and what its parent needs for that; rolls its key, and leaves DNSSEC. */
import { Argument, Command, Option } from 'commander';
import type {
  AlgorithmName,
  DnssecProcedure,
  DnssecStatus,
  SignedKeyView,
} from '../../core/admin/dnssec-operations.ts';
import { UsageError } from '../output.ts';
import { type Session, withSession } from '../session.ts';
import { print } from '../table.ts';
import { parseZone } from '../zone-name.ts';

type Action = 'show' | 'roll' | 'leave' | 'stay';

interface Flags {
  readonly json?: boolean;
  readonly algorithm?: AlgorithmName;
  readonly force?: boolean;
  readonly cancel?: boolean;
}

export function zoneDnssecCommand(): Command {
  return new Command('dnssec')
    .description(
      'print the state of the signatures of a zone and the DS record for its parent, roll its key, or leave DNSSEC',
    )
    .argument('<zone>', 'the name of the zone')
    .addArgument(
      new Argument('[action]', 'roll: replace the key; leave: make the zone unsigned; stay: take `leave` back')
        .choices(['show', 'roll', 'leave', 'stay'])
        .default('show'),
    )
    .addOption(
      new Option('--algorithm <name>', 'roll: the algorithm of the new key; default: that of the zone').choices([
        'ecdsap256sha256',
        'ed25519',
      ]),
    )
    .option(
      '--force',
      'roll, leave: do not wait for the parent. While it, or a cache, has the DS record of a removed key, resolvers refuse the whole zone',
    )
    .option('--cancel', 'leave: take it back, as `stay` does')
    .option('--json', 'print a JSON object')
    .action(async (zoneText: string, action: Action, flags: Flags, command: Command) => {
      const zone = parseZone(zoneText).toString();
      checkFlags(action, flags);
      await withSession(command, async (session) => {
        print(await perform(session, zone, action, flags), flags.json, formatStatus);
      });
    });
}

/** @throws UsageError for options that the action does not have */
function checkFlags(action: Action, { algorithm, force, cancel }: Flags): void {
  if (algorithm !== undefined && action !== 'roll') throw new UsageError("--algorithm is an option of 'roll'.");
  if (force && action !== 'roll' && action !== 'leave')
    throw new UsageError("--force is an option of 'roll' and 'leave'.");
  if (cancel && action !== 'leave') throw new UsageError("--cancel is an option of 'leave'.");
  if (force && (cancel || algorithm !== undefined))
    throw new UsageError('--force cannot be combined with other options.');
}

function perform(session: Session, zone: string, action: Action, flags: Flags): Promise<DnssecStatus> {
  const { algorithm, force, cancel } = flags;
  if (action === 'show') return session.call('showDnssec', { zone });
  if (action === 'stay' || cancel) return session.call('stayDnssec', { zone });
  if (action === 'leave') return session.call('leaveDnssec', { zone, ...(force && { force }) });
  return session.call('rollZoneKey', { zone, ...(algorithm && { algorithm }), ...(force && { force }) });
}

export function formatStatus(status: DnssecStatus): string {
  const { zone, state, serial, keys, chain, signatures, procedure, problem } = status;
  if (state === 'unsigned') {
    return `${zone}  not signed, serial ${serial}\n  To sign it, set 'dnssec: true' for the zone in the configuration. To keep it unsigned, remove that option before the next start.\n`;
  }
  const leaving = state === 'leaving' ? ', and requests that its parent deletes the DS record' : '';
  const lines = [`${zone}  signed with ${chain?.toUpperCase()}, serial ${serial}${leaving}`];
  if (procedure !== undefined) lines.push(...formatProcedure(procedure));
  if (problem !== undefined) lines.push(`  PROBLEM: ${problem}`);
  if (signatures !== undefined) {
    const { count, earliestExpiration, expired } = signatures;
    const some = expired === 0 ? '' : `; ${expired} HAVE EXPIRED`;
    lines.push(`  ${count} signatures, the first expires ${earliestExpiration}${some}`);
  }
  return `${[...lines, ...keys.flatMap(formatKey)].join('\n')}\n`;
}

const PROCEDURES: Readonly<Record<DnssecProcedure['kind'], string>> = {
  'first-signing': 'First signing',
  rollover: 'Rollover',
  'algorithm-change': 'Change of the algorithm',
  leaving: 'Leaving DNSSEC',
};

function formatProcedure({ kind, text, since, until }: DnssecProcedure): readonly string[] {
  const end = until === undefined ? '' : `, until ${until}`;
  return [`  ${PROCEDURES[kind]}: ${text}`, `    since ${since}${end}`];
}

function formatKey({ keyTag, algorithm, mnemonic, ds, dnskey }: SignedKeyView): readonly string[] {
  const parent =
    ds === undefined
      ? ['  The parent should not have the DS record of this key now.']
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

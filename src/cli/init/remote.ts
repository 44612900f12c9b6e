/** `dyndns init` for a zone on a remote primary: the configuration, and the lines for BIND, Knot and PowerDNS. */
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { type AdminPlan, type HttpsPlan, remoteConfiguration } from '../../setup/plan/configuration.ts';
import { isPrimaryKind, PRIMARIES, type PrimaryKind, primaryLines } from '../../setup/plan/primary-lines.ts';
import { UsageError } from '../output.ts';
import { certificateAdvice } from './https.ts';
import { type Ask, flagOr } from './questions.ts';

export interface InitPlan {
  /** The configuration file. */
  readonly text: string;
  /** The next steps. @param next the command that starts the server @param check the one that tries an update */
  advice(next: string, check: string): string;
}

export interface RemoteSurroundings {
  readonly https: HttpsPlan | undefined;
  /** Asks whether to enable the dashboard; the last question. */
  readonly admin?: () => Promise<AdminPlan | undefined>;
  /** For the certificate of HTTPS, and for users. */
  readonly store: string;
  /** As YAML: the secret, or its file. */
  readonly secret: string;
  /** The base64 text, and the same as YAML, or its file. */
  readonly key: string;
  readonly keyYaml: string;
}

/** @throws UsageError */
export async function planRemoteZone(
  zone: DomainName,
  nameserver: IpAddress,
  primary: string | undefined,
  { https, admin: askAdmin, store, secret, key, keyYaml }: RemoteSurroundings,
  ask: Ask,
): Promise<InitPlan> {
  const kind = await flagOr(
    primary,
    {
      flag: '--primary',
      text: `Software of the primary (${PRIMARIES.join(', ')})`,
      preset: 'bind',
      read: parsePrimary,
    },
    ask,
  );
  const admin = await askAdmin?.();
  const hasStore = https !== undefined || admin !== undefined;
  return {
    text: remoteConfiguration(
      { zone, nameserver, key: { secret: keyYaml } },
      { secret, https, admin, ...(hasStore && { store }) },
    ),
    advice: (next, check) =>
      `${keyAdvice(kind, zone.toString().slice(0, -1), key)}${https === undefined ? '' : certificateAdvice(https)}
Then:

  ${check}
  ${next}
`,
  };
}

function keyAdvice(kind: PrimaryKind, zone: string, key: string): string {
  const { place, lines, also } = primaryLines(kind, zone, key);
  return `${place}\n\n${lines.replace(/^(?=.)/gm, '  ')}${also === '' ? '' : `\n${also}\n`}`;
}

function parsePrimary(text: string): PrimaryKind {
  const kind = text.toLowerCase();
  if (isPrimaryKind(kind)) return kind;
  throw new UsageError(`'${text}' is not one of ${PRIMARIES.join(', ')}.`);
}

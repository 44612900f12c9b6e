/**
 * The rules of `http.tls.acme`: the names of the certificate and the folder of its files. A name outside of all zones is a
 * warning, not an error: its challenge name may be a CNAME into a zone. Left out: what the certificate authority accepts.
 */

import { dirname, join } from 'node:path';
import { CHALLENGE_LABEL, challengeName } from '../../dns/challenge-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { AcmeConfig, ZoneConfig } from '../config.ts';
import { type PlacedValues, ROWS } from '../options/options.ts';
import { absolutePath, type ResolveContext, refuse } from '../rules.ts';
import type { Scope } from '../settings.ts';
import type { StateConfig } from './state.ts';

const DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';
const FOLDER = 'acme';

/** The path of the option that enables ACME: any below `http.tls.acme`, or the map itself. */
export function acmeMention(root: Scope): string | undefined {
  const rows = [...ROWS.keys()].filter((path) => path.startsWith('http.tls.acme.'));
  return ['http.tls.acme', ...rows].find((path) => root.isMentioned(path));
}

export function resolveAcme(
  root: Scope,
  options: PlacedValues<''>['http']['acme'],
  zones: readonly ZoneConfig[],
  { store, dns }: StateConfig,
  context: ResolveContext,
): AcmeConfig | undefined {
  const mention = acmeMention(root);
  if (mention === undefined) return undefined;
  const beside = store?.kind === 'sqlite' ? store.path : dns?.database;
  const named = absolutePath(root, 'http.tls.acme.folder', context);
  const folder = named ?? (beside === undefined ? undefined : join(dirname(beside), FOLDER));
  if (folder === undefined && !root.isMentioned('http.tls.acme.folder')) {
    const message =
      "needs a folder for key and certificate: set 'folder: PATH', or 'store: sqlite:PATH' and the folder is beside it.";
    refuse(context, root, mention, message);
  }
  const names = root.get('http.tls.acme.names') ?? zones.map(({ apex }) => apex);
  checkNames(names, zones, root, context);
  const keyTypes = root.get('http.tls.acme.key_types') ?? ['ec'];
  const twice = keyTypes.find((keyType, index) => keyTypes.indexOf(keyType) < index);
  if (twice !== undefined) {
    refuse(context, root, 'http.tls.acme.key_types', `'${twice}' is listed twice; remove one of the two.`);
  }
  if (folder === undefined) return undefined;
  return { ...options, names, directory: root.get('http.tls.acme.directory') ?? DIRECTORY, folder, keyTypes };
}

function checkNames(
  names: readonly DomainName[],
  zones: readonly ZoneConfig[],
  root: Scope,
  context: ResolveContext,
): void {
  const path = 'http.tls.acme.names';
  const keys = new Set<string>();
  const wildcards = new Set(names.filter(({ isWildcard }) => isWildcard).map((name) => name.parent()!.key));
  for (const name of names) {
    const text = name.toString();
    if (keys.has(name.key)) refuse(context, root, path, `'${text}' is listed twice; remove one of the two.`);
    keys.add(name.key);
    // A certificate authority refuses an order with both.
    if (!name.isWildcard && wildcards.has(name.parent()!.key)) {
      refuse(
        context,
        root,
        path,
        `'${text}' is covered by '*.${name.parent()}', which is in the list too; remove one of the two.`,
      );
    }
    const challenge = findChallengeName(name);
    if (challenge === undefined)
      refuse(context, root, path, `'${CHALLENGE_LABEL}.${text}' is too long for a domain name; use a shorter name.`);
    else if (!zones.some(({ apex }) => challenge.isAtOrBelow(apex))) {
      context.warnings.push(
        `http.tls.acme: '${text}' is not in a zone of this file. It gets a certificate only if '${challenge}' is a CNAME ` +
          'into one.',
      );
    }
  }
}

/** The owner name of the challenge (RFC 8555 §8.4); undefined where it is too long. */
function findChallengeName(name: DomainName): DomainName | undefined {
  try {
    return challengeName(name);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    return undefined;
  }
}

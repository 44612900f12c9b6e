/**
 * The rules of `http.tls.acme`: which names, and where key and certificate are kept. Whether the certificate authority
 * will agree is not known here; a name that lies in no zone of the file is a warning, for a CNAME may lead into one.
 */

import { dirname, join } from 'node:path';
import { CHALLENGE_LABEL, challengeName } from '../../dns/challenge-name.ts';
import { type DomainName, NameError } from '../../dns/name.ts';
import type { AcmeConfig, ZoneConfig } from '../config.ts';
import { ROWS } from '../options/options.ts';
import { absolutePath, type ResolveContext, refuse } from '../rules.ts';
import type { Scope } from '../settings.ts';
import type { StateConfig } from './embedded.ts';

const DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';
const FOLDER = 'acme';

/** The path of the option that switches ACME on, if one does: any of them, or the map alone. */
export function acmeMention(root: Scope): string | undefined {
  const rows = [...ROWS.keys()].filter((path) => path.startsWith('http.tls.acme.'));
  return ['http.tls.acme', ...rows].find((path) => root.isMentioned(path));
}

export function resolveAcme(
  root: Scope,
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
    const message = "needs a folder for key and certificate: 'folder: PATH', or a 'store: sqlite:PATH' to lie beside.";
    refuse(context, root, mention, message);
  }
  const names = root.get('http.tls.acme.names') ?? zones.map(({ apex }) => apex);
  checkNames(names, zones, root, context);
  if (folder === undefined) return undefined;
  const email = root.get('http.tls.acme.email');
  const propagationSeconds = root.get('http.tls.acme.propagation_seconds');
  return {
    names,
    ...(email === undefined ? {} : { email }),
    directory: root.get('http.tls.acme.directory') ?? DIRECTORY,
    folder,
    ...(propagationSeconds === undefined ? {} : { propagationSeconds }),
  };
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
    if (keys.has(name.key)) refuse(context, root, path, `'${text}' stands twice.`);
    keys.add(name.key);
    // Certificate authorities refuse the whole order because of such a name.
    if (!name.isWildcard && wildcards.has(name.parent()!.key)) {
      refuse(context, root, path, `'${text}' is covered by '*.${name.parent()}', which is in the list, too.`);
    }
    const challenge = findChallengeName(name);
    if (challenge === undefined) refuse(context, root, path, `'${CHALLENGE_LABEL}.${text}' is too long for a name.`);
    else if (!zones.some(({ apex }) => challenge.isAtOrBelow(apex))) {
      context.warnings.push(
        `http.tls.acme: '${text}' lies in no zone of this file: there is a certificate for it only if ` +
          `'${challenge}' is a CNAME into one.`,
      );
    }
  }
}

/** Where the challenge of a name is looked up (RFC 8555 §8.4); undefined where that is too long. */
function findChallengeName(name: DomainName): DomainName | undefined {
  try {
    return challengeName(name);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    return undefined;
  }
}

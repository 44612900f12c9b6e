/**
 * `DYNDNS_<PATH>` overrides: DYNDNS_HTTP_LISTEN stands for `http.listen`, lists separated by commas; DYNDNS_SECRET_FILE
 * for `secret: {file: PATH}`. Variables that container platforms inject are no options and are left alone.
 */
import { isSecretKind, plainKind, ValueError } from './kinds/kinds.ts';
import { environmentName, ROWS } from './options/options.ts';
import { nearest, type Problem } from './problem.ts';
import { type ReadSecretFile, readOption } from './read.ts';
import type { Scope } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names that Kubernetes and Docker links make for a service called "dyndns" or "dyndns-…". */
const INJECTED = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?$/;

/** Puts every override into the scope of the file. */
export function applyEnvironment(
  environment: Environment,
  root: Scope,
  readSecret: ReadSecretFile,
  problems: Problem[],
  warnings: string[],
): void {
  const paths = new Map<string, string>();
  for (const path of ROWS.keys()) {
    const variable = environmentName(path);
    if (variable !== undefined) paths.set(variable, path);
  }
  for (const variable of Object.keys(environment).sort()) {
    const text = environment[variable];
    if (text === undefined || !variable.startsWith('DYNDNS_') || INJECTED.test(variable)) continue;
    const origin = { kind: 'environment', variable } as const;
    if (/^(tcp|udp):\/\//.test(text)) {
      warnings.push(
        `The environment variable ${variable} is ignored: a value that begins with ${text.slice(0, 6)} comes from a container platform.`,
      );
      continue;
    }
    const fromFile = !paths.has(variable) && variable.endsWith('_FILE');
    const path = paths.get(fromFile ? variable.slice(0, -'_FILE'.length) : variable);
    const row = path === undefined ? undefined : ROWS.get(path);
    if (path === undefined || row === undefined || (fromFile && !isSecretKind(row.kind))) {
      warnings.push(unknownVariable(variable, paths.keys()));
    } else if (fromFile && environment[environmentName(path) ?? ''] !== undefined) {
      problems.push({ origin, path, message: `${environmentName(path)} is set too; only one of the two is allowed.` });
    } else {
      const kind = plainKind(row.kind, text.includes(','));
      const texts = text.trim() === '' ? [] : text.split(',').map((entry) => entry.trim());
      if (kind.form === 'list') readOption(kind, path, root, texts, origin, problems);
      else readOption(kind, path, root, [text], origin, problems, fromFile ? readSecret : undefined);
    }
  }
}

function unknownVariable(variable: string, known: Iterable<string>): string {
  const ignored = `The environment variable ${variable} is ignored:`;
  if (variable === 'DYNDNS_CONFIG_FILE') return `${ignored} the configuration file is named by dyndns_CONFIG_FILE.`;
  if (/^DYNDNS_(ZONES|TOKENS|HOSTS|WEBHOOKS)(_|$)/.test(variable))
    return `${ignored} zones, tokens, hosts and webhooks have no overrides.`;
  return `${ignored} it names no option; the nearest known name is ${nearest(variable, known)?.name}.`;
}

/**
 * Replaces `$CREDENTIALS_DIRECTORY/` or `${CREDENTIALS_DIRECTORY}/` at the beginning of a path (systemd's LoadCredential=).
 * @throws ValueError when the variable is not set
 */
export function expandCredentials(path: string, environment: Environment): string {
  const match = /^\$(?:CREDENTIALS_DIRECTORY|\{CREDENTIALS_DIRECTORY\})(?=\/)/.exec(path);
  if (match === null) return path;
  const directory = environment['CREDENTIALS_DIRECTORY'];
  if (!directory) {
    throw new ValueError('the path begins with $CREDENTIALS_DIRECTORY, which only systemd sets (LoadCredential=).');
  }
  return directory + path.slice(match[0].length);
}

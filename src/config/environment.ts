/**
 * `DYNDNS_<PATH>` overrides: DYNDNS_HTTP_LISTEN sets `http.listen`, with commas between the entries of a list;
 * DYNDNS_SECRET_FILE sets `secret: {file: PATH}`. Variables that container platforms inject are ignored.
 */
import { isAbsolute } from 'node:path';
import { isSecretKind, plainKind, ValueError } from './kinds/kind.ts';
import { environmentName, ROWS } from './options/options.ts';
import { nearest, type Problem } from './problem.ts';
import { readOption, type SecretFiles } from './read.ts';
import type { Scope } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that Kubernetes and Docker links set for a service named "dyndns" or "dyndns-…". */
const INJECTED = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?$/;

/** For `--remote` and `--key-file` of commands; a server has no use for them. */
const OF_COMMANDS: ReadonlySet<string> = new Set(['DYNDNS_REMOTE', 'DYNDNS_KEY_FILE']);

/** Applies every override to the scope of the file. */
export function applyEnvironment(
  environment: Environment,
  root: Scope,
  secretFiles: SecretFiles,
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
    if (OF_COMMANDS.has(variable)) continue;
    const origin = { kind: 'environment', variable } as const;
    if (/^(tcp|udp):\/\//.test(text)) {
      warnings.push(
        `The environment variable ${variable} is ignored: a value that begins with ${text.slice(0, 6)} is from a container platform.`,
      );
      continue;
    }
    const fromFile = !paths.has(variable) && variable.endsWith('_FILE');
    const path = paths.get(fromFile ? variable.slice(0, -'_FILE'.length) : variable);
    const row = path === undefined ? undefined : ROWS.get(path);
    if (path === undefined || row === undefined || (fromFile && !isSecretKind(row.kind))) {
      warnings.push(unknownVariable(variable, paths.keys()));
    } else if (fromFile && environment[environmentName(path) ?? ''] !== undefined) {
      problems.push({ origin, path, message: `${environmentName(path)} is set too; unset one of the two.` });
    } else {
      const kind = plainKind(row.kind, text.includes(','));
      const texts = text.trim() === '' ? [] : text.split(',').map((entry) => entry.trim());
      if (kind.form === 'list') readOption(kind, path, root, texts, origin, problems);
      else readOption(kind, path, root, [text], origin, problems, fromFile ? secretFiles : undefined);
    }
  }
}

function unknownVariable(variable: string, known: Iterable<string>): string {
  const ignored = `The environment variable ${variable} is ignored:`;
  if (variable === 'DYNDNS_CONFIG_FILE')
    return `${ignored} the variable for the configuration file is dyndns_CONFIG_FILE.`;
  if (/^DYNDNS_(ZONES|TOKENS|HOSTS|WEBHOOKS)(_|$)/.test(variable))
    return `${ignored} zones, tokens, hosts and webhooks can only be set in the file.`;
  return `${ignored} no option has this name; the nearest one is ${nearest(variable, known)?.name}.`;
}

const CREDENTIALS_VARIABLE = /^\$(?:CREDENTIALS_DIRECTORY|\{CREDENTIALS_DIRECTORY\})(?=\/)/;

/** Whether a path is in a directory of credentials, which systemd makes while the service runs. */
export function isCredential(path: string): boolean {
  return CREDENTIALS_VARIABLE.test(path) || path.startsWith('/run/credentials/');
}

/**
 * Expands `$CREDENTIALS_DIRECTORY/` or `${CREDENTIALS_DIRECTORY}/` at the beginning of a path (systemd's LoadCredential=).
 * @throws ValueError if the variable is not set
 */
export function expandCredentials(path: string, environment: Environment): string {
  const match = CREDENTIALS_VARIABLE.exec(path);
  if (match === null) return path;
  const directory = environment['CREDENTIALS_DIRECTORY'];
  if (!directory) {
    throw new ValueError(
      'the path begins with $CREDENTIALS_DIRECTORY, which is not set; systemd sets it for units with LoadCredential=.',
    );
  }
  return directory + path.slice(match[0].length);
}

/**
 * The directory that systemd makes for the sockets of the service (RuntimeDirectory=). Of several, with colons between
 * them, the first is used. Undefined where there is none.
 */
export function runtimeDirectory({ RUNTIME_DIRECTORY: list }: Environment): string | undefined {
  const first = list?.split(':')[0];
  return first !== undefined && isAbsolute(first) ? first : undefined;
}

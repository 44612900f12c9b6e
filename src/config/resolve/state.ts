/**
 * The rules of what the server keeps on disk and of the embedded nameserver as a whole: `store`, `dns`, `control`.
 */

import { dirname, join } from 'node:path';
import { formatEndpoint } from '../../dns/endpoint.ts';
import type { Config, DnsConfig, StoreConfig } from '../config.ts';
import { MAX_SOCKET_PATH_OCTETS } from '../kinds/endpoints.ts';
import { ROWS } from '../options/options.ts';
import { absolutePath, makeAbsolute, placedOptions, type ResolveContext, refuse } from '../rules.ts';
import { primaryKind, type Scope, type Settings } from '../settings.ts';

const ZONES_FILE = 'zones.db';
const CONTROL_FILE = 'control.sock';

export type StateConfig = Pick<Config, 'dns' | 'store' | 'control' | 'controlIsDefault'>;

export function resolveState({ root, zones }: Settings, context: ResolveContext): StateConfig {
  const embedded = zones.filter((zone) => primaryKind(zone) === 'embedded');
  const store = resolveStore(root, context);
  const storeFile = store?.kind === 'sqlite' ? store.path : undefined;
  const named = absolutePath(root, 'dns.database', context);
  const database = named ?? (storeFile === undefined ? undefined : join(dirname(storeFile), ZONES_FILE));
  if (storeFile !== undefined && storeFile === database) {
    refuse(context, root, 'dns.database', 'must not be the file of `store`; use another path.');
  }
  if (embedded.length === 0) warnOfUnused(root, context);
  else if (
    database === undefined &&
    !root.isMentioned('dns.database') &&
    (store !== undefined || !root.isMentioned('store'))
  ) {
    const message =
      store === undefined
        ? 'an embedded zone needs a file for its data: set `store: sqlite:PATH` or `dns: {database: PATH}`.'
        : 'an embedded zone needs a file for its data in addition to PostgreSQL: set `dns: {database: PATH}`.';
    context.problems.push({ origin: embedded[0]!.origin, path: embedded[0]!.label, message });
  }
  return {
    ...(embedded.length === 0 || database === undefined ? {} : { dns: resolveDns(root, database, context) }),
    ...(store === undefined ? {} : { store }),
    ...resolveControl(root, storeFile, embedded.length > 0 ? database : undefined, context),
  };
}

function resolveStore(root: Scope, context: ResolveContext): StoreConfig | undefined {
  const store = root.get('store');
  if (store?.kind === 'postgres' && store.url.unread === undefined) warnOfPlaintext(store.url.reveal(), context);
  if (store?.kind !== 'sqlite') return store;
  const path = makeAbsolute(store.path, root, 'store', context);
  return path === undefined ? undefined : { kind: 'sqlite', path };
}

/** Hosts whose connection does not leave the machine; the empty one is a unix socket or a variable of libpq. */
const LOCAL_HOST = /^(|localhost|127(\.\d+){3}|\[::1\]|\/.*)$/;

function warnOfPlaintext(url: string, { warnings }: ResolveContext): void {
  const { hostname, searchParams } = new URL(url);
  const host = decodeURIComponent(searchParams.get('host') ?? hostname);
  const mode = searchParams.get('sslmode') ?? 'disable';
  if (LOCAL_HOST.test(host) || mode !== 'disable' || searchParams.has('ssl')) return;
  warnings.push(
    `store: the connection to PostgreSQL at '${host}' is not encrypted. Add ?sslmode=verify-full to the URL, and &sslrootcert=FILE if its certificate is from an authority of your own.`,
  );
}

function resolveDns(root: Scope, database: string, context: ResolveContext): DnsConfig {
  const options = placedOptions(root, '', context).dns;
  const texts = options.listen.map(formatEndpoint);
  for (const [index, text] of texts.entries()) {
    if (texts.indexOf(text) === index || text.endsWith(':0')) continue;
    refuse(context, root, 'dns.listen', `'${text}' is listed twice; remove one of the two.`);
  }
  const node = process.versions.node;
  if (options.threads > 1 && !hasReusePort(node)) {
    refuse(
      context,
      root,
      'dns.threads',
      `more than 1 needs Node.js 22.12 or later (of version 23: 23.1); this is ${node}. Set 1, or install a later Node.js.`,
    );
  }
  return { ...options, listenIsDefault: !root.isSet('dns.listen'), database };
}

/** Whether node:dgram of a version has `reusePort`, with which several threads receive from one UDP port. */
export function hasReusePort(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major === 22) return minor >= 12;
  return major > 23 || (major === 23 && minor >= 1);
}

/**
 * The control socket that is set, else the first default that exists: next to the file of the SQLite store, next to the
 * database of the zones, in the runtime directory. A default must never make a start fail: one whose path is too long is
 * not used, and the server runs without one that it cannot open.
 */
function resolveControl(
  root: Scope,
  storeFile: string | undefined,
  database: string | undefined,
  context: ResolveContext,
): Pick<Config, 'control' | 'controlIsDefault'> {
  const control = absolutePath(root, 'control', context);
  if (control !== undefined) {
    if (isTooLong(control)) refuse(context, root, 'control', `${SOCKET_PATH_LIMIT}; use a shorter path.`);
    return { control, controlIsDefault: false };
  }
  const found = [
    { folder: storeFile && dirname(storeFile), reason: 'next to the file of store' },
    { folder: database && dirname(database), reason: 'next to dns.database' },
    { folder: context.runtimeDirectory, reason: 'in the runtime directory' },
  ].find(({ folder }) => folder !== undefined);
  if (found?.folder === undefined || root.isMentioned('control')) return { controlIsDefault: true };
  const path = join(found.folder, CONTROL_FILE);
  if (isTooLong(path)) {
    context.warnings.push(
      `There is no control socket '${path}': ${SOCKET_PATH_LIMIT}. Set 'control' to a shorter path.`,
    );
    return { controlIsDefault: true };
  }
  root.setDefault('control', path, found.reason);
  return { control: path, controlIsDefault: true };
}

const SOCKET_PATH_LIMIT = `the path of a unix socket must have at most ${MAX_SOCKET_PATH_OCTETS} octets`;

function isTooLong(path: string): boolean {
  return Buffer.byteLength(path) > MAX_SOCKET_PATH_OCTETS;
}

function warnOfUnused(root: Scope, context: ResolveContext): void {
  if ([...ROWS.keys()].some((path) => path.startsWith('dns.') && root.isMentioned(path))) {
    context.warnings.push("The options of 'dns' have no effect: no zone is embedded.");
  }
}

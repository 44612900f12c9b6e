/** The operations of the control socket and the HTTP API, on the generation in force. Loaded at the first operation. */
import type { Config } from '../config/config.ts';
import { dispatcherOf, type OperationParts, type ServerCalls } from '../control/in-process.ts';
import type { Administration } from '../core/admin/administration.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import { type AdminCaller, type Browser, NO_BODY, OPERATOR_CALLER } from '../core/admin/caller.ts';
import type { Dispatcher } from '../core/admin/dispatch.ts';
import type { Result } from '../core/admin/operations.ts';
import type { ServerStatus } from '../core/admin/server-operations.ts';
import { AppError } from '../core/errors.ts';
import { SignInGuard } from '../core/sign-in/sign-in-guard.ts';
import type { Store } from '../core/store.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import type { OidcAccount } from '../http/api/oidc-door.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import type { HttpListeners } from '../http/app/listeners.ts';
import { makeClientAdmin } from './admin.ts';
import { auditWriter } from './audit-writer.ts';
import { type OwnCertificate, shownCertificate } from './certificate.ts';
import { askForHost, examineOneZone } from './examine.ts';
import type { Generation } from './generation.ts';
import { type OpenState, storeCopy } from './state.ts';
import { VERSION } from './version.ts';
import { testWebhooks } from './webhooks.ts';

export interface ControlParts extends Pick<ServerCalls, 'reload'> {
  readonly current: () => Generation;
  readonly state: OpenState;
  readonly listeners: HttpListeners;
  readonly certificate: OwnCertificate;
  /** Of the monotonic clock. */
  readonly startedMs: number;
  readonly warn: (text: string) => void;
}

export function controlOperations(parts: ControlParts): Dispatcher {
  const { current, state, reload, warn } = parts;
  // It outlives reloads.
  const guard = new SignInGuard(() => performance.now());
  const operations: OperationParts = {
    services: () => current().services,
    zoneAdmin: () => {
      const { embedded, config } = current();
      const admin = embedded?.nameserver.admin;
      return admin && withStoreBackup(admin, storeCopy(config, state.store));
    },
    administration: () => administrationOf(parts, guard),
    server: {
      status: () => status(parts),
      health: async () => ({ notReady: await current().services.monitoring.notReady() }),
      reload,
      webhooks: () => current().webhooks?.states() ?? [],
      testWebhook: (number) => testOneWebhook(current().config, number),
      remoteZones: () =>
        current().config.zones.flatMap(({ apex, primary }) =>
          primary.kind === 'remote'
            ? [{ zone: apex.toString(), primary: formatEndpoint({ host: primary.host.text, port: primary.port }) }]
            : [],
        ),
      config: () => shownConfig(current().config),
      askNameservers: (ownerName) => askForHost(current(), ownerName),
      examineZone: (apex) =>
        examineOneZone(current(), parts.listeners.certificate, (limit) => hostsIn(state.store, limit), apex),
    },
  };
  return dispatcherOf(operations, state.store && auditWriter(state.store.audit, warn));
}

function shownConfig({ file, options }: Config): Result<'showConfig'> {
  if (options === undefined) throw new AppError('conflict', 'The configuration of this server is in no file.');
  return { ...(file !== undefined && { file }), options: [...options()] };
}

async function hostsIn(store: Store | undefined, limit: number): Promise<readonly DomainName[]> {
  return (await store?.hosts.page({ limit }))?.hosts.map(({ ownerName }) => ownerName) ?? [];
}

/** @param number from 1 */
async function testOneWebhook({ webhooks }: Config, number: number) {
  if (number > webhooks.length) {
    throw new AppError('name-invalid', `There is no webhook ${number}: the configuration has ${webhooks.length}.`);
  }
  for await (const { webhook, outcome, text, advice } of testWebhooks(webhooks, [number - 1])) {
    const isDelivered = outcome === 'delivered';
    return { webhook, delivered: isDelivered, ...(!isDelivered && { problem: `${text}. ${advice}`.trim() }) };
  }
  throw new AppError('internal', 'The test of the webhook had no result.');
}

function administrationOf({ current, state, listeners }: ControlParts, guard?: SignInGuard): Administration {
  const { config, hosts } = current();
  const { store, recorder, uses } = state;
  const separate = config.admin !== undefined && config.admin.listen.length > 0;
  const addresses = separate ? listeners.addresses.slice(config.http.listen.length) : listeners.addresses;
  const zones = () => current().zones;
  return makeClientAdmin(config, { store, recorder, uses, directory: hosts, zones, guard, addresses });
}

/** Signs in by an account of an OpenID provider, and notes it in the audit list. @throws AppError */
export async function signInByOidc(
  parts: ControlParts,
  account: OidcAccount,
  caller: AdminCaller,
  browser: Browser,
): Promise<void> {
  const { oidc } = parts.current().config.admin ?? {};
  const isIn = (group: string | undefined) => group !== undefined && account.groups.includes(group);
  const role = isIn(oidc?.adminGroup) ? 'admin' : isIn(oidc?.memberGroup) ? 'member' : undefined;
  const audit = auditWriter(parts.state.store!.audit, parts.warn);
  const change = { caller, operation: 'signIn', target: `OpenID account ${account.name ?? account.subject}` } as const;
  try {
    const context = { caller, browser, body: NO_BODY };
    const { user } = await administrationOf(parts).signIns.signInByAccount(account, role, context);
    await audit({ ...change, outcome: 'done', signedIn: user!.name });
  } catch (error) {
    await audit({ ...change, outcome: error instanceof AppError ? error.code : 'internal' });
    throw error;
  }
}

/** See SignInAdmin.inviteFirst. */
export function inviteFirst(parts: ControlParts): Promise<string | undefined> {
  return administrationOf(parts).signIns.inviteFirst();
}

/** See RunningServer. The user accepts the invitation without a browser, which then signs in by the link. */
export async function createFirst(
  parts: ControlParts,
  calls: OperationCalls,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<string> {
  const invitation = await inviteFirst(parts);
  if (invitation === undefined) throw new AppError('conflict', 'There are users already.');
  const caller = { kind: 'anonymous', source: undefined, userAgent: 'dyndns setup' } as const;
  const browser = {
    mark: undefined,
    setMark: () => undefined,
    setSession: () => undefined,
    endSession: () => undefined,
  };
  const link = invitation.slice(invitation.indexOf('=') + 1);
  await calls.call('acceptInvitation', { link, name, password }, { caller, body: NO_BODY, browser });
  const operator = { caller: OPERATOR_CALLER, body: NO_BODY };
  const { sessions } = await calls.call('listSessions', { user: name }, operator);
  for (const { id } of sessions) await calls.call('endSession', { user: name, id }, operator);
  return (await calls.call('createLink', { user: name }, operator)).url;
}

async function status(parts: ControlParts): Promise<ServerStatus> {
  const { listeners, certificate, startedMs } = parts;
  const { config, embedded, webhooks } = parts.current();
  const remote = config.zones.filter(({ primary }) => primary.kind === 'remote');
  return {
    version: VERSION,
    pid: process.pid,
    ...(config.file !== undefined && { configFile: config.file }),
    uptimeSeconds: Math.floor((performance.now() - startedMs) / 1000),
    http: listeners.addresses,
    dns: embedded?.nameserver.addresses ?? [],
    ...shownCertificate(listeners, certificate, config),
    embedded: (await embedded?.nameserver.admin.zones()) ?? [],
    remote: remote.map(({ apex }) => apex.toString()),
    webhooks: webhooks?.states() ?? [],
    ...(await administrationOf(parts).history.pendingStatus()),
  };
}

/** The operations of the control socket and the HTTP API, on the generation in force. Loaded at the first operation. */
import type { Config } from '../config/config.ts';
import { dispatcherOf, type OperationParts, type ServerCalls } from '../control/in-process.ts';
import type { Administration } from '../core/admin/administration.ts';
import { withStoreBackup } from '../core/admin/backup.ts';
import { type AdminCaller, type Browser, type CallContext, NO_BODY, OPERATOR_CALLER } from '../core/admin/caller.ts';
import type { AdminChange, Dispatcher } from '../core/admin/dispatch.ts';
import type { OperationName, Result } from '../core/admin/operations.ts';
import type { ServerStatus } from '../core/admin/server-operations.ts';
import type { SignInAdmin } from '../core/admin/sign-in-admin.ts';
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

export interface FirstAdministrator {
  readonly name: string;
  readonly password: string;
}

/** The operations, and the sign-ins that are not in their table. One for the process: it outlives reloads. */
export class ControlCalls implements OperationCalls {
  readonly #parts: ControlParts;
  readonly #guard = new SignInGuard(() => performance.now());
  readonly #audit: ((change: AdminChange) => Promise<void>) | undefined;
  readonly #dispatcher: Dispatcher;

  constructor(parts: ControlParts) {
    const { state, warn } = parts;
    this.#parts = parts;
    this.#audit = state.store && auditWriter(state.store.audit, warn);
    const administration = () => administrationOf(parts, this.#guard);
    this.#dispatcher = dispatcherOf(operationParts(parts, administration), this.#audit);
  }

  call<Name extends OperationName>(name: Name, input: object, context: CallContext): Promise<Result<Name>> {
    return this.#dispatcher.call(name, input, context);
  }

  /** Signs in by an account of an OpenID provider. @throws AppError */
  async signInByOidc(account: OidcAccount, caller: AdminCaller, browser: Browser): Promise<void> {
    const { oidc } = this.#parts.current().config.admin ?? {};
    const isIn = (group: string | undefined) => group !== undefined && account.groups.includes(group);
    const role = isIn(oidc?.adminGroup) ? 'admin' : isIn(oidc?.memberGroup) ? 'member' : undefined;
    const target = `OpenID account ${account.name ?? account.subject}`;
    await this.#noted({ caller, operation: 'signIn', target }, async () => {
      const { user } = await this.#signIns.signInByAccount(account, role, { caller, browser, body: NO_BODY });
      return user!.name;
    });
  }

  /** See SignInAdmin.inviteFirst. */
  inviteFirst(): Promise<string | undefined> {
    return this.#signIns.inviteFirst();
  }

  /** See RunningServer.createFirst. */
  async createFirst({ name, password }: FirstAdministrator): Promise<string> {
    const caller = { kind: 'anonymous', source: undefined, userAgent: '' } as const;
    await this.#noted({ caller, operation: 'acceptInvitation', target: name }, async () => {
      await this.#signIns.createFirst(name, password);
      return name;
    });
    return (await this.call('createLink', { user: name }, { caller: OPERATOR_CALLER, body: NO_BODY })).url;
  }

  get #signIns(): SignInAdmin {
    return administrationOf(this.#parts, this.#guard).signIns;
  }

  /** Does what signs a user in, and notes it in the audit list. @param signIn the name of the user */
  async #noted(change: Omit<AdminChange, 'outcome' | 'signedIn'>, signIn: () => Promise<string>): Promise<void> {
    try {
      const signedIn = await signIn();
      await this.#audit?.({ ...change, outcome: 'done', signedIn });
    } catch (error) {
      await this.#audit?.({ ...change, outcome: error instanceof AppError ? error.code : 'internal' });
      throw error;
    }
  }
}

function operationParts(parts: ControlParts, administration: () => Administration): OperationParts {
  const { current, state, reload } = parts;
  return {
    services: () => current().services,
    zoneAdmin: () => {
      const { embedded, config } = current();
      const admin = embedded?.nameserver.admin;
      return admin && withStoreBackup(admin, storeCopy(config, state.store));
    },
    administration,
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

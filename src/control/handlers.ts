/** Implements every operation of the administration, in the process that has the parts. */

import type { Administration } from '../core/admin/administration.ts';
import { answersView } from '../core/admin/answers-view.ts';
import type { AdminCaller, OperationHandlers } from '../core/admin/caller.ts';
import type { Result } from '../core/admin/operations.ts';
import { readAllPages } from '../core/admin/pages.ts';
import type { BackupReport, ReloadResult, ServerHealth, ServerStatus } from '../core/admin/server-operations.ts';
import { previewView } from '../core/admin/views.ts';
import type { ZoneAdmin, ZoneState } from '../core/admin/zone-admin.ts';
import type { FindingView, RemoteZoneView } from '../core/admin/zone-operations.ts';
import { instructionsFor } from '../core/devices/device.ts';
import { getDevice } from '../core/devices/devices.ts';
import { AppError, invalidField } from '../core/errors.ts';
import { checkLine } from '../core/updates/original-lines.ts';
import type { HostAnswers } from '../core/zones/host-answers.ts';
import { isPrivate } from '../core/zones/special-addresses.ts';
import type { IpPrefix } from '../dns/address.ts';
import { parseHostName } from '../dns/host-name.ts';
import { type DomainName, NameError } from '../dns/name.ts';
import type { Services } from '../http/request/door.ts';
import { changeAddresses, deleteAddresses } from '../http/request/original-requests.ts';
import {
  readAddress,
  readHost,
  readHostChange,
  readHostSettings,
  readMember,
  readMemberName,
  readOwnerName,
  readPrefix,
  readTime,
  readToken,
  readType,
  within,
} from './domain-values.ts';
import { changeRRsets, listRRsets, type RecordParts } from './records.ts';
import { contextOf } from './request-context.ts';

export interface WebhookView {
  readonly webhook: string;
  readonly waiting: number;
  readonly problem?: string;
}

/** Operations that need a running server. */
export interface ServerCalls {
  status(): Promise<ServerStatus>;
  health(): Promise<ServerHealth>;
  /** Reads the configuration again. @throws AppError request-malformed with every problem of the configuration */
  reload(): Promise<ReloadResult>;
  webhooks(): readonly WebhookView[];
  /** @param number from 1 @throws AppError name-invalid */
  testWebhook(
    number: number,
  ): Promise<{ readonly webhook: string; readonly delivered: boolean; readonly problem?: string }>;
  /** Zones with another primary. */
  remoteZones(): readonly RemoteZoneView[];
  /** The effective configuration. @throws AppError conflict where it has no file */
  config(): Result<'showConfig'>;
  /** What the nameservers of its zone answer for a host. @throws AppError name-invalid */
  askNameservers(ownerName: DomainName): Promise<HostAnswers>;
  /** @throws AppError name-invalid */
  examineZone(apex: DomainName): Promise<readonly FindingView[]>;
}

/** Each is called at each operation, so that a reload takes effect at once and a command opens only what it needs. */
export interface OperationParts {
  services(): Awaitable<
    Pick<Services, 'zones' | 'updates' | 'unspecifiedFamily' | 'checks' | 'record' | 'recordChanges'>
  >;
  /** Undefined if no zone is embedded. */
  zoneAdmin(): Awaitable<(ZoneAdmin & { backup(file: string): Promise<BackupReport> }) | undefined>;
  administration(): Awaitable<Administration>;
  /** Undefined in a command without a server. */
  readonly server: ServerCalls | undefined;
}

type Awaitable<T> = T | Promise<T>;

export function handlersOf(parts: OperationParts): OperationHandlers {
  const tokens = async () => (await parts.administration()).tokens;
  const hosts = async () => (await parts.administration()).hosts;
  const history = async () => (await parts.administration()).history;
  const overview = async () => (await parts.administration()).overview;
  const users = async () => (await parts.administration()).users;
  const signIns = async () => (await parts.administration()).signIns;
  const batches = async () => (await parts.administration()).batches;
  const records = async (): Promise<RecordParts> => {
    const [services, administration] = await Promise.all([parts.services(), parts.administration()]);
    return { ...services, ...services.recordChanges, grantsOf: (userId) => administration.hosts.grantsOf(userId) };
  };
  const zones = async () => requireZoneAdmin(await parts.zoneAdmin());
  const dnssec = async () => (await zones()).dnssec();
  const server = () => requireServer(parts.server);
  return {
    status: async () => server().status(),
    health: async () => server().health(),
    reload: async () => server().reload(),
    check: async () => {
      const services = await parts.services();
      const results = await services.checks.run(services.zones.all);
      return { text: results.map(checkLine).join(''), passed: results.every(({ kind }) => kind === 'passed') };
    },
    listWebhooks: async () => ({ webhooks: server().webhooks() }),
    testWebhook: async ({ webhook }) => server().testWebhook(webhook),
    readAudit: async ({ user, operation, since, limit = 100, before }) => {
      const filter = { actor: user, operation, sinceMs: since === undefined ? undefined : readTime(since, 'since') };
      return (await parts.administration()).audit.read(filter, limit, before);
    },
    backup: async ({ file }) => (await zones()).backup(file),

    showSignIn: async (_, { caller }) => (await signIns()).show(caller),
    signIn: async (input, context) => (await signIns()).signIn(input, context),
    signOut: async (_, context) => (await signIns()).signOut(context),
    showInvitation: async ({ link }) => (await signIns()).showInvitation(link),
    acceptInvitation: async (input, context) => (await signIns()).acceptInvitation(input, context),
    listInvitations: async () => (await signIns()).invitations(),
    createInvitation: async (input, { caller }) => (await signIns()).invite(input, caller),
    removeInvitation: async ({ id }) => (await signIns()).removeInvitation(id),
    createLink: async ({ user }, { caller }) => (await signIns()).createLink(user, caller),
    listMySessions: async (_, { caller }) => (await signIns()).sessionsOfCaller(caller),
    endMySession: async ({ id }, context) => (await signIns()).endSessionOfCaller(id, context),
    listSessions: async ({ user }, { caller }) => (await signIns()).sessionsOf(user, caller),
    endSession: async ({ user, id }) => (await signIns()).endSession(user, id),
    changeMyPassword: async (input, context) => (await signIns()).changePassword(input, context),
    startTotp: async (_, { caller }) => (await signIns()).startTotp(caller),
    confirmTotp: async ({ code }, { caller }) => (await signIns()).confirmTotp(code, caller),
    endTotp: async ({ code }, { caller }) => (await signIns()).endTotp(code, caller),
    removeTotp: async ({ user }) => (await signIns()).removeTotp(user),

    showMe: async (_, { caller }) => {
      const { users, signIns } = await parts.administration();
      return { ...(await users.me(caller)), ...(await signIns.stateOf(caller)) };
    },
    listMyKeys: async (_, { caller }) => (await users()).keysOfCaller(caller),
    createMyKey: async (input, { caller }) => (await users()).createKeyOfCaller(input, caller),
    revokeMyKey: async ({ name }, { caller }) => (await users()).revokeKeyOfCaller(name, caller),
    listUsers: async (input) => (await users()).list(input),
    createUser: async (input) => (await users()).create(input),
    showUser: async ({ name }) => (await users()).show(name),
    changeUser: async ({ name, ...change }, { caller }) => (await users()).change(name, change, caller),
    removeUser: async ({ name, ...removal }, { caller }) => (await users()).remove(name, removal, caller),
    listKeys: async ({ user }) => (await users()).keysOf(user),
    createKey: async ({ user, ...input }) => (await users()).createKey(user, input),
    revokeKey: async ({ user, name }) => (await users()).revokeKey(user, name),

    listTokens: async (input, { caller }) => {
      const admin = await tokens();
      if (!isWhole(input, caller)) return admin.listTokens(input, caller);
      const read = (place: object) => admin.listTokens({ ...input, ...place }, caller);
      return { tokens: await readAllPages(read, (page) => page.tokens) };
    },
    createToken: async (input, { caller }) => (await tokens()).createToken(readToken(input), input.owner, caller),
    createTokens: async ({ tokens: list, createOwners = false }) => {
      const items = readEach(list, 'tokens', (one) => ({ token: readToken(one), owner: one.owner }));
      return { tokens: await (await batches()).createTokens(items, createOwners) };
    },
    showToken: async ({ name }) => (await tokens()).showToken(name),
    checkToken: async ({ name, host, type, address }) =>
      (await tokens()).check(name, {
        host: readHost(host),
        type: readType(type),
        address: address === undefined ? undefined : readAddress(address),
      }),
    revokeToken: async ({ name }) => (await tokens()).revokeToken(name),
    rotateToken: async ({ name, freednsUser }) => (await tokens()).rotateToken(name, freednsUser),

    listHosts: async (input, { caller }) => {
      const admin = await hosts();
      if (!isWhole(input, caller)) return admin.listHosts(input, caller);
      const read = (place: object) => admin.listHosts({ ...input, ...place }, caller);
      return { hosts: await readAllPages(read, (page) => page.hosts) };
    },
    addHost: async (input, context) =>
      (await hosts()).addHost(readHostSettings(input), input.owner, input.replace ?? false, context),
    createHosts: async ({ hosts: list, createOwners = false }) => {
      const items = readEach(list, 'hosts', (one) => ({ host: readHostSettings(one), owner: one.owner }));
      return { hosts: await (await batches()).createHosts(items, createOwners) };
    },
    showHost: async ({ host }, { caller }) => (await hosts()).showHost(readHost(host), caller),
    replaceHost: async (input, context) => (await hosts()).replaceHost(readHostSettings(input), context),
    changeHost: async (input, context) =>
      (await hosts()).changeHost(readHost(input.host), readHostChange(input), context),
    removeHost: async ({ host }, context) => (await hosts()).removeHost(readHost(host), context),
    enableHost: async ({ host }, context) => (await hosts()).enableHost(readHost(host), true, context),
    disableHost: async ({ host }, context) => (await hosts()).enableHost(readHost(host), false, context),
    update: async ({ host, ips, ttl, prefix, dry_run = false, wait }, { caller }) => {
      const site = prefix === undefined ? undefined : readSitePrefix(prefix);
      const ttlText = ttl === undefined ? undefined : String(ttl);
      // Without a server no one asks the secondaries.
      const waiting = parts.server === undefined ? {} : { wait };
      const request = { fqdn: host, ips, ttl: ttlText, ...(dry_run && { dry_run: '1' }), ...waiting };
      const context = contextOf(caller);
      const changed = await changeAddresses(request, context, await parts.services(), site);
      const { body, outcome, secondaries, preview } = changed;
      const result = {
        host: readHost(host).toString(),
        changed: outcome === 'updated',
        text: body,
        ...(secondaries && { secondaries }),
        ...(preview && { preview: previewView(preview) }),
      };
      const address = ips.find(isCarrierNat);
      if (address === undefined) return result;
      const warning = `${host} has the address ${address} of a carrier's NAT (100.64.0.0/10): the internet cannot reach it.`;
      return { ...result, warning };
    },
    delete: async ({ host, dry_run = false }, { caller }) => {
      const request = { fqdn: host, ...(dry_run && { dry_run: '1' }) };
      const deleted = await deleteAddresses(request, contextOf(caller), await parts.services());
      const { body, outcome, preview } = deleted;
      return {
        host: readHost(host).toString(),
        changed: outcome === 'updated',
        text: body,
        ...(preview && { preview: previewView(preview) }),
      };
    },
    instructions: async ({ host, client, token = 'TOKEN NAME', server }) => {
      const request = { host: readHost(host).toString(), tokenName: token, server };
      return instructionsFor(getDevice(client), request) as unknown as Result<'instructions'>;
    },
    listMembers: async ({ host }, { caller }) => (await hosts()).host(readHost(host), caller),
    addMember: async ({ host, member, ...address }, context) =>
      (await hosts()).addMember(readHost(host), readMember({ name: member, ...address }), context),
    removeMember: async ({ host, member }, context) =>
      (await hosts()).removeMember(readHost(host), readMemberName(member), context),
    shareHost: async ({ host, user, access }, context) =>
      (await hosts()).shareHost(readHost(host), user, access, context),
    unshareHost: async ({ host, user }, context) => (await hosts()).shareHost(readHost(host), user, undefined, context),

    listOverview: async (input, { caller }) => (await overview()).list(input, caller),
    showAnswers: async ({ host }) => {
      const ownerName = readHost(host);
      const [asked, answers] = await Promise.all([
        (await history()).wanted(ownerName, Date.now()),
        server().askNameservers(ownerName),
      ]);
      return answersView(ownerName, asked, answers, Date.now());
    },
    countHosts: async ({ owner }, { caller }) => (await overview()).count(owner, caller),
    readTimeline: async ({ host, family, limit = 50, before }) =>
      (await overview()).timeline(readHost(host), family, limit, before),

    readHistory: async ({ host, at, limit = 20, before }) => {
      const atMs = at === undefined ? undefined : readTime(at, 'at');
      return (await history()).history(readHost(host), limit, before, atMs);
    },
    readAllHistory: async ({ outcome, token, source, since, until, limit = 20, before }, { caller }) => {
      const sinceMs = since === undefined ? undefined : readTime(since, 'since');
      const untilMs = until === undefined ? undefined : readTime(until, 'until');
      return (await history()).allHistory(
        { outcome, actor: token, source, sinceMs },
        limit,
        { before, untilMs },
        caller,
      );
    },
    purgeHistory: async ({ host }) => {
      const ownerName = readHost(host);
      return { host: ownerName.toString(), events: await (await history()).purgeHistory(ownerName) };
    },
    stream: () => Promise.reject(new AppError('internal', 'A stream is opened by the HTTP API itself.')),

    listZones: async () => {
      const admin = await parts.zoneAdmin();
      const remote = parts.server?.remoteZones() ?? [];
      if (admin === undefined && remote.length === 0) requireZoneAdmin(admin);
      return { zones: (await admin?.zones()) ?? [], remote };
    },
    showConfig: async () => server().config(),
    showZone: async ({ zone }) => findZone(await (await zones()).zones(), readZone(zone)),
    listSecondaries: async ({ zone }) => {
      const { serial, secondaries } = findZone(await (await zones()).zones(), readZone(zone));
      return { serial, secondaries };
    },
    examineZone: async ({ zone }) => ({ findings: await server().examineZone(readZone(zone)) }),
    exportZone: async ({ zone, signed = false }) => (await zones()).exportZone(readZone(zone), signed),
    importZone: async ({ zone, mode, dry_run = false }, { body }) =>
      (await zones()).importZone(readZone(zone), body, { replace: mode === 'replace', dryRun: dry_run }),
    setSerial: async ({ zone, serial }) => (await zones()).setSerial(readZone(zone), serial),
    recoverZone: async ({ zone, serial }) => (await zones()).recoverZone(readZone(zone), serial),
    discardUnserved: async ({ zone, name, type }) => {
      const rrType = type === undefined ? undefined : readType(type);
      return { discarded: await (await zones()).discardUnserved(readZone(zone), readOwnerName(name), rrType) };
    },
    showDnssec: async ({ zone }) => (await dnssec()).status(readZone(zone)),
    rollZoneKey: async ({ zone, algorithm, force = false }) => (await dnssec()).roll(readZone(zone), algorithm, force),
    leaveDnssec: async ({ zone, force = false }) => (await dnssec()).leave(readZone(zone), force),
    stayDnssec: async ({ zone }) => (await dnssec()).stay(readZone(zone)),
    listZoneKeys: async ({ zone }) => ({ keys: await (await dnssec()).keys(readZone(zone)) }),
    exportZoneKey: async ({ zone, keyTag }) => (await dnssec()).exportKey(readZone(zone), keyTag),
    importZoneKey: async ({ zone, publicText, privateText }) =>
      (await dnssec()).importKey(readZone(zone), publicText, privateText),
    listRRsets: async (input, { caller }) => listRRsets(input, readZone(input.zone), caller, await records()),
    changeRRsets: async (input, context) => changeRRsets(input, readZone(input.zone), context, await records()),
  };
}

/** The operator gets whole lists without `limit`, as in the first releases. */
function isWhole(
  { limit, cursor }: { readonly limit?: number; readonly cursor?: string },
  caller: AdminCaller,
): boolean {
  return caller.kind === 'operator' && limit === undefined && cursor === undefined;
}

/** Reads each object of a list; the error of one names it. @throws InputError */
function readEach<Item, Read>(items: readonly Item[], field: string, read: (item: Item) => Read): readonly Read[] {
  return items.map((item, index) => within(`/${field}/${index}`, () => read(item)));
}

function findZone(zones: readonly ZoneState[], apex: DomainName): ZoneState {
  const found = zones.find(({ zone }) => zone === apex.toString());
  if (found !== undefined) return found;
  throw new AppError('name-invalid', `'${apex}' is not an embedded zone of this server.`);
}

/** @throws InputError */
function readSitePrefix(text: string): IpPrefix {
  const prefix = readPrefix(text);
  if (prefix.family === 6 && prefix.length <= 64) return prefix;
  throw invalidField('/prefix', "'prefix' must be an IPv6 prefix of at most 64 bits, like 2001:db8:1::/56.");
}

function isCarrierNat(text: string): boolean {
  return text.startsWith('100.') && isPrivate(text);
}

function requireServer(server: ServerCalls | undefined): ServerCalls {
  if (server !== undefined) return server;
  throw new AppError('request-malformed', 'This operation needs a running server.');
}

function requireZoneAdmin<Admin>(zoneAdmin: Admin | undefined): Admin {
  if (zoneAdmin !== undefined) return zoneAdmin;
  throw new AppError(
    'name-invalid',
    "No zone of the configuration is embedded ('nameserver: embedded'). Administer other zones at their primary.",
  );
}

function readZone(text: string): DomainName {
  try {
    return parseHostName(text);
  } catch (error) {
    if (error instanceof NameError) throw new AppError('name-invalid', error.message);
    throw error;
  }
}

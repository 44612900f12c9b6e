/** Reads the texts of an input as the configuration file reads them: names, prefixes, addresses, tokens. */
import { interfaceId, ipAddress, ipPrefix, macAddress, tokenAddresses } from '../config/kinds/addresses.ts';
import { type ScalarKind, ValueError } from '../config/kinds/kind.ts';
import { clientType, dataType, fullOwnerName } from '../config/kinds/names.ts';
import { tokenName } from '../config/kinds/secrets.ts';
import { calendarDay } from '../config/kinds/words.ts';
import { DEFAULT_TOKEN_TYPES, type TokenAddresses } from '../core/access/token.ts';
import type { HostChange, NewHost } from '../core/admin/host-admin.ts';
import type { MemberView } from '../core/admin/host-operations.ts';
import type { NormalInput } from '../core/admin/operations.ts';
import type { NewToken } from '../core/admin/token-admin.ts';
import { InputError, invalidField } from '../core/errors.ts';
import type { HostMember } from '../core/hosts/host.ts';
import { type IpAddress, type IpPrefix, unmapAddress } from '../dns/address.ts';
import { DomainName, NameError } from '../dns/name.ts';

/** @throws AppError request-malformed, as all functions here */
export function readToken(input: NormalInput<'createToken'>): NewToken {
  const { name, hosts, types = [], addresses = 'any', sources = [], expires, freednsUser } = input;
  const { register = false, maxUnusedDays } = input;
  if (hosts.length === 0) throw invalidField('/hosts', "'hosts' must have at least one name.");
  return {
    name: read(name, tokenName, 'name'),
    hosts: unique(readAll(hosts, fullOwnerName, 'hosts'), (host) => host.key),
    types: types.length === 0 ? DEFAULT_TOKEN_TYPES : unique(readAll(types, clientType, 'types'), String),
    addresses: readTokenAddresses(addresses),
    ...(sources.length > 0 && { sources: readAll(sources, ipPrefix, 'sources') }),
    ...(expires !== undefined && { expires: read(expires, calendarDay, 'expires') }),
    ...(register && { register }),
    ...(maxUnusedDays !== undefined && { maxUnusedDays }),
    ...(freednsUser !== undefined && { freednsUser }),
  };
}

/** A name as `dyndns zone list` prints it, with any characters (RFC 1035 §5.1). */
export function readOwnerName(text: string): DomainName {
  try {
    return DomainName.parse(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw invalidField('/name', `'name' is not a domain name: ${error.message}`);
  }
}

export function readType(text: string, pointer?: string): number {
  return read(text, dataType, 'type', pointer);
}

/** Scripts also send `any` and `own` in a list, and an empty list for `any`. */
function readTokenAddresses(addresses: string | readonly string[]): TokenAddresses {
  const texts = typeof addresses === 'string' ? [addresses] : addresses;
  const [first = 'any', ...others] = texts;
  const { word, list, allowed } = tokenAddresses;
  if (others.length === 0 && /^(any|own)$/i.test(first)) return read(first, word, 'addresses');
  return readAll(texts, { ...list.item, allowed }, 'addresses');
}

type SettingsInput = Omit<NormalInput<'addHost'>, 'owner' | 'replace'>;

export function readHostSettings(input: SettingsInput): NewHost {
  const { host, ttl, allow = [], deny = [], fallback = [], enabled, members } = input;
  const { silentAfterSeconds = 0, leaseSeconds = 0, interfaceId: id, prefixLength } = input;
  return {
    ownerName: readHost(host),
    ...(ttl !== undefined && { ttl }),
    addresses: { allow: readAll(allow, ipPrefix, 'allow'), deny: readAll(deny, ipPrefix, 'deny') },
    ...(silentAfterSeconds > 0 && { silentAfterSeconds }),
    ...(leaseSeconds > 0 && { leaseSeconds }),
    fallback: readAll(fallback, ipAddress, 'fallback').map((address) => unmapAddress(address).text),
    ...(id !== undefined && { interfaceId: read(id, interfaceId, 'interfaceId') }),
    ...(prefixLength !== undefined && { prefixLength }),
    ...(enabled !== undefined && { enabled }),
    ...(members !== undefined && { members: members.map(readMember) }),
  };
}

/** What of the settings changes: the fields that were sent. */
export function readHostChange(input: NormalInput<'changeHost'>): HostChange {
  const { owner, host, ...sent } = input;
  const read = readHostSettings({ host, ...withoutNulls(sent) });
  const settings: HostChange['settings'] = (before) => {
    const changed: Record<string, unknown> = { ...before };
    for (const [field, value] of Object.entries(sent)) {
      const place = field as keyof typeof read;
      // 0 means never, and null the default.
      if (value === null || read[place] === undefined) delete changed[place];
      else changed[place] = read[place];
    }
    const { allow = before.addresses.allow, deny = before.addresses.deny } = {
      ...(sent.allow !== undefined && { allow: read.addresses.allow }),
      ...(sent.deny !== undefined && { deny: read.addresses.deny }),
    };
    const { allow: _allow, deny: _deny, ...others } = changed;
    return { ...(others as unknown as typeof before), addresses: { allow, deny } };
  };
  return { settings, ...(owner !== undefined && { owner }) };
}

function withoutNulls<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], null> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as never;
}

export function readHost(host: string): DomainName {
  return read(host, fullOwnerName, 'host');
}

export function readAddress(address: string): IpAddress {
  return unmapAddress(read(address, ipAddress, 'address'));
}

export function readPrefix(prefix: string): IpPrefix {
  return read(prefix, ipPrefix, 'prefix');
}

export function readMemberName(member: string): DomainName {
  return read(member, fullOwnerName, 'member');
}

export function readMember({ name, interfaceId: id, mac, subnet = 0 }: MemberView): HostMember {
  if ((id === undefined) === (mac === undefined)) {
    throw invalidField('', "A member needs either 'interfaceId' or 'mac'.");
  }
  const host =
    id === undefined
      ? ({ kind: 'mac', text: read(mac ?? '', macAddress, 'mac') } as const)
      : ({ kind: 'interface-id', text: read(id, interfaceId, 'interfaceId') } as const);
  return { ownerName: readMemberName(name), host, subnet };
}

/** ISO 8601 -> milliseconds since 1970. */
export function readTime(time: string, field = 'time'): number {
  const timeMs = Date.parse(time);
  if (Number.isNaN(timeMs)) throw invalidField(`/${field}`, `'${field}' must be a time, like 2026-11-23T10:00:00Z.`);
  return timeMs;
}

function readAll<T>(texts: readonly string[], kind: ScalarKind<T>, field: string): T[] {
  return texts.map((text, index) => read(text, kind, field, `/${field}/${index}`));
}

function read<T>(text: string, kind: ScalarKind<T>, field: string, pointer = `/${field}`): T {
  let reason = '';
  try {
    const value = kind.parse(text);
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof NameError || error instanceof ValueError)) throw error;
    reason = `: ${error.message}`;
  }
  throw invalidField(pointer, `'${field}' must be ${kind.allowed}, and '${text}' is not${reason || '.'}`);
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** The same, where an error of `read` is about an object at this place in the input. @throws InputError */
export function within<Read>(place: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const errors = error.errors.map(({ pointer, detail }) => ({ pointer: `${place}${pointer}`, detail }));
    throw new InputError(errors, `${place.slice(1).replace('/', '[')}]: ${error.message}`, error.code);
  }
}

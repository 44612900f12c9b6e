/**
 * The parameters of dyndns2 as clients spell them, in one table, and their meaning. Pure. There is no standard: the names and
 * values are those of the services that clients were written for. docs/protocols/dyndns2.md explains them.
 *
 * Left out on purpose: `wildcard`, `mx`, `backmx`, `system`, `url` and all others are ignored.
 */
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import { type Family, familyOf } from '../../core/zones/family.ts';
import type { IpAddress, IpPrefix } from '../../dns/address.ts';
import { networkOf, readAddress, readPrefix } from './address-texts.ts';
import { splitHosts } from './requested-host.ts';

/** Names in lower case; of each row the first that is present and not empty is valid. */
export const PARAMETERS = {
  credential: ['token', 'secret', 'password', 'pass', 'passwd', 'pwd', 'p', 'key'],
  user: ['username', 'user', 'u'],
  host: ['hostname', 'host', 'domain', 'domains', 'fqdn', 'zone', 'h', 'h[]', 'host_id', 'id'],
  /** Addresses of either family. */
  any: ['myip', 'ip', 'address'],
  A: ['myipv4', 'ipv4', 'ip4', 'dnsto', 'i'],
  AAAA: ['myipv6', 'ipv6', 'myip6', 'ip6', 'myip2'],
  prefix: ['ipv6prefix', 'ip6lanprefix', 'prefix', 'praefix', 'ipprefix'],
} as const;

/** By name in lower case; an absent one is undefined. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** The place of a name in the table: its row, and its order among all names for addresses. */
interface Place {
  readonly name: string;
  readonly row: 'any' | 'A' | 'AAAA' | 'prefix';
  readonly order: number;
}

/** The names for addresses and prefixes, in order of precedence. */
const PLACES: ReadonlyMap<string, Place> = new Map(
  (['A', 'AAAA', 'any', 'prefix'] as const)
    .flatMap((row) => PARAMETERS[row].map((name) => ({ name, row })))
    .map((place, order) => [place.name, { ...place, order }]),
);

/** All names of the table, which are in lower case. */
const NAMES: ReadonlySet<string> = new Set(Object.values(PARAMETERS).flat());

export function lowerCaseNames(parameters: Parameters): Parameters {
  if (isLowerCase(parameters)) return parameters;
  const lowered = Object.create(null) as Record<string, string | undefined>;
  for (const name in parameters) lowered[name.toLowerCase()] ||= parameters[name];
  return lowered;
}

function isLowerCase(parameters: Parameters): boolean {
  for (const name in parameters) if (!NAMES.has(name) && name !== name.toLowerCase()) return false;
  return true;
}

/** The first parameter of a row that is not empty. */
export function findParameter(parameters: Parameters, row: keyof typeof PARAMETERS): string | undefined {
  for (const name of PARAMETERS[row]) if (parameters[name]) return parameters[name];
  return undefined;
}

/**
 * Whether a request names an address by a parameter of dyndns2 that another protocol on the same path would ignore, and so
 * publish the caller's address instead.
 * @param own names of that protocol
 */
export function namesForeignAddress(parameters: Parameters, own: readonly string[]): boolean {
  const { any, A, AAAA, prefix } = PARAMETERS;
  return [...any, ...A, ...AAAA, ...prefix].some((name) => !own.includes(name) && parameters[name] !== undefined);
}

/** The hosts as they are written, without empty ones. */
export function readHosts(parameters: Parameters): string[] {
  const named = findParameter(parameters, 'host');
  // In dyndns1 YES means that the host is in another parameter.
  const isElsewhere = named?.length === 3 && named.toUpperCase() === 'YES';
  return splitHosts((isElsewhere ? parameters['host_id'] : (named ?? bareName(parameters))) ?? '');
}

/** `?home.example.com`: some clients append the host to the URL that is configured. */
function bareName(parameters: Parameters): string | undefined {
  for (const name in parameters) {
    if (parameters[name] === '' && name.includes('.') && !name.includes(':')) return name;
  }
  return undefined;
}

/** deSEC's form for one host of several: `myipv6:nas.example.com=…`. */
const OF_ONE_HOST = /^(myipv[46]):(.+?)\.?$/;

/** Such parameters, by the host in lower case; undefined where there are none, as nearly always. */
export function readOwnParameters(parameters: Parameters): ReadonlyMap<string, Parameters> | undefined {
  let own: Map<string, Record<string, string>> | undefined;
  for (const name in parameters) {
    const match = name.charCodeAt(6) === COLON ? OF_ONE_HOST.exec(name) : null;
    if (match === null) continue;
    own ??= new Map();
    const host = match[2]!.trim();
    own.set(host, { ...own.get(host), [match[1]!]: parameters[name] ?? '' });
  }
  return own;
}

const COLON = 0x3a;

/**
 * The parameters for a host: its own take precedence over those of the request. A host that only its own parameters name gets
 * no others.
 */
export function parametersOf(
  parameters: Parameters,
  own: ReadonlyMap<string, Parameters> | undefined,
  host: string,
  isNamed: boolean,
): Parameters {
  const ofHost = own?.get(host.toLowerCase());
  if (ofHost === undefined) return parameters;
  return isNamed ? { ...parameters, ...ofHost } : { ttl: parameters['ttl'], ...ofHost };
}

/** The meaning of one parameter for its family. */
type FamilyRequest = IpAddress | 'keep' | 'delete';

interface Reading {
  A?: FamilyRequest;
  AAAA?: FamilyRequest;
  prefix?: IpPrefix;
  /** Families whose own parameter is empty. */
  readonly empty: Family[];
  /** Any parameter but an empty `myip` is present: then the caller's own address is not used. */
  named: boolean;
  /** A text was neither an address nor a known word. */
  invalid: boolean;
}

/**
 * @param caller for `auto`, and where no address is named; then only its own family changes
 * @param emptyValue the meaning of an empty parameter of one family
 * @throws AppError address-invalid where an address is named and none can be read; caller-unknown
 */
export function chooseAddresses(
  parameters: Parameters,
  caller: IpAddress | undefined,
  emptyValue: 'keep' | 'clear',
): AddressChoice {
  if (parameters['offline']?.toUpperCase() === 'YES') return { wanted: { A: null, AAAA: null } };
  const reading = readAddresses(parameters, caller);
  const { A, AAAA, prefix, empty, named } = reading;
  if (reading.invalid && !isAddress(A) && !isAddress(AAAA) && prefix === undefined) {
    throw new AppError('address-invalid', 'No parameter has an address that can be read.');
  }
  const wanted: { A?: IpAddress | null; AAAA?: IpAddress | null } = {};
  if (!named) {
    const address = requireCaller(caller);
    wanted[familyOf(address)] = address;
  }
  const clears = (family: Family) => emptyValue === 'clear' && empty.includes(family);
  if (isAddress(A)) wanted.A = A;
  else if (A === 'delete') wanted.A = null;
  else if (A === undefined && clears('A')) wanted.A ??= null;
  if (isAddress(AAAA)) wanted.AAAA = AAAA;
  else if (AAAA === 'delete') wanted.AAAA = null;
  else if (AAAA === undefined && prefix === undefined && clears('AAAA')) wanted.AAAA ??= null;
  if (prefix === undefined) return { wanted };
  return AAAA === 'keep' ? { wanted, prefix, ownStays: true } : { wanted, prefix };
}

/**
 * The families that a request for deletion means: those of the addresses that it names, else both.
 * @throws AppError address-invalid
 */
export function chooseDeletions(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  const { A, AAAA, invalid } = readAddresses(parameters, caller);
  const named = { ...(isAddress(A) ? { A: null } : {}), ...(isAddress(AAAA) ? { AAAA: null } : {}) };
  if (isAddress(A) || isAddress(AAAA)) return { wanted: named };
  if (invalid) throw new AppError('address-invalid', 'No parameter has an address that can be read.');
  return { wanted: { A: null, AAAA: null } };
}

/** A parameter of one family takes precedence over those of either; of two addresses of one family the first one wins. */
function readAddresses(parameters: Parameters, caller: IpAddress | undefined): Reading {
  const reading: Reading = { empty: [], named: false, invalid: false };
  /** The first parameter of either family that is not empty; '' if all are, undefined if there is none. */
  let any: string | undefined;
  for (const { name, row } of placesOf(parameters)) {
    const text = parameters[name]!;
    if (row === 'any') {
      if (any) continue;
      any = text;
      if (text.trim() === '') continue;
      reading.named = true;
      readItems(reading, text, caller, undefined);
      continue;
    }
    reading.named = true;
    const isEmpty = text.trim() === '';
    if (row === 'prefix') {
      if (!isEmpty) readPrefixParameter(reading, text.trim(), caller);
    } else if (isEmpty) reading.empty.push(row);
    else readItems(reading, text, caller, row);
  }
  // With no address but an empty `myip`, the caller's own is meant, even if other parameters are empty as well.
  if (any === '') reading.named &&= !isUndecided(reading);
  return reading;
}

/** The parameters for addresses that are present: usually one. */
function placesOf(parameters: Parameters): readonly Place[] {
  const places: Place[] = [];
  for (const name in parameters) {
    const place = PLACES.get(name);
    if (place !== undefined && parameters[name] !== undefined) places.push(place);
  }
  return places.length < 2 ? places : places.sort((a, b) => a.order - b.order);
}

function isUndecided({ A, AAAA, prefix, invalid }: Reading): boolean {
  return A === undefined && AAAA === undefined && prefix === undefined && !invalid;
}

const SEPARATOR = /[\s,]+/;

/** @param only the family of the parameter; undefined: either */
function readItems(reading: Reading, text: string, caller: IpAddress | undefined, only: Family | undefined): void {
  if (!SEPARATOR.test(text)) readItem(reading, text, caller, only);
  else for (const item of text.split(SEPARATOR)) if (item !== '') readItem(reading, item, caller, only);
}

function readItem(reading: Reading, item: string, caller: IpAddress | undefined, only: Family | undefined): void {
  const word = item.toLowerCase();
  if (word === 'preserve' || word === 'no') {
    if (only !== undefined) reading[only] ??= 'keep';
    return;
  }
  if (word === '-') {
    if (only !== 'AAAA') reading.A ??= 'delete';
    if (only !== 'A') reading.AAAA ??= 'delete';
    return;
  }
  const read = word === 'auto' ? requireCaller(caller) : readAddress(item);
  if (read === undefined) reading.invalid = true;
  else if ('length' in read) {
    if (only === 'A') reading.invalid = true;
    else reading.prefix ??= read;
  } else if (only === undefined || familyOf(read) === only) reading[familyOf(read)] ??= read;
  // A caller by IPv4 has no IPv6 address that `auto` could mean: nothing changes.
  else if (word === 'auto') reading[only] ??= 'keep';
  else reading.invalid = true;
}

function readPrefixParameter(reading: Reading, text: string, caller: IpAddress | undefined): void {
  const word = text.toLowerCase();
  if (word === 'preserve' || word === 'no') return;
  if (word === '-') {
    reading.AAAA ??= 'delete';
    return;
  }
  const prefix = word === 'auto' ? callersPrefix(requireCaller(caller)) : readPrefix(text);
  if (prefix === undefined) reading.invalid = true;
  else reading.prefix ??= prefix;
}

function callersPrefix(caller: IpAddress): IpPrefix | undefined {
  return caller.family === 6 ? networkOf(caller, 64) : undefined;
}

function isAddress(request: FamilyRequest | undefined): request is IpAddress {
  return typeof request === 'object';
}

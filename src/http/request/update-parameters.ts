/**
 * The parameters of dyndns2 as clients spell them, in one table, and their meaning. Pure. There is no standard: the names and
 * values are those of the services that clients were written for. docs/protocols/dyndns2.md explains them.
 *
 * Left out on purpose: `wildcard`, `mx`, `backmx`, `system`, `url` and all others are ignored, but for an address in one of
 * those others where the request has no address that can be read (refuseStrayAddress).
 */
import { requireCaller } from '../../core/access/require-caller.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressChoice } from '../../core/updates/prepare-update.ts';
import { type Family, familyOf } from '../../core/zones/family.ts';
import { formatIpPrefix, type IpAddress, type IpPrefix } from '../../dns/address.ts';
import {
  isInterfaceIdentifier,
  isWholeLength,
  joinIdentifier,
  looksLikeAddress,
  networkOf,
  readAddress,
  readAddressWithLength,
  readPrefix,
} from './address-texts.ts';
import type { DoorRequest } from './door.ts';
import { splitHosts } from './requested-host.ts';

/**
 * Names in lower case. Of a row for credential, user or hosts the first that is present and not empty is valid; the names of
 * a row for addresses mean the same, and all of them are read.
 */
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

/** Of one family, in one request. */
export const MAX_ADDRESSES = 8;

/** Parameters that have no meaning here and may hold an address; so has every name that begins with `_`. */
const IGNORED: ReadonlySet<string> = new Set([
  'mx',
  'url',
  'log',
  'location',
  'alias',
  'backmx',
  'system',
  'wildcard',
  'offline',
]);

/** By name in lower case; an absent one is undefined. */
export type Parameters = Readonly<Record<string, string | undefined>>;

type AddressRow = 'any' | 'A' | 'AAAA' | 'prefix';

/** The names for addresses and prefixes, with their rows. */
const ROWS: ReadonlyMap<string, AddressRow> = new Map(
  (['any', 'A', 'AAAA', 'prefix'] as const).flatMap((row) => PARAMETERS[row].map((name) => [name, row] as const)),
);

/** All names of the table, which are in lower case. */
const NAMES: ReadonlySet<string> = new Set(Object.values(PARAMETERS).flat());

const HOST_NAMES: ReadonlySet<string> = new Set(PARAMETERS.host);

/**
 * The parameters of a request by name in lower case. A name for hosts or addresses that is repeated, in whatever spelling
 * and place, has a list, as if it had been written with commas; of any other name the first text that is not empty is valid.
 */
export function readParameters({ parameters, repeated }: Pick<DoorRequest, 'parameters' | 'repeated'>): Parameters {
  return repeated === undefined && isLowerCase(parameters) ? parameters : joinParameters(parameters, repeated);
}

function isLowerCase(parameters: Parameters): boolean {
  for (const name in parameters) if (!NAMES.has(name) && name !== name.toLowerCase()) return false;
  return true;
}

/** @param repeated all texts of a repeated name, of which `parameters` has one */
export function joinParameters(parameters: Parameters, repeated: DoorRequest['repeated']): Parameters {
  const lists = new Map<string, string[]>();
  for (const given in parameters) {
    const text = parameters[given];
    if (text === undefined) continue;
    const name = given.toLowerCase();
    const texts = repeated?.get(given) ?? [text];
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [...texts]);
    else for (const one of texts) list.push(one);
  }
  const joined = Object.create(null) as Record<string, string>;
  for (const [name, texts] of lists) joined[name] = joinTexts(name, texts);
  return joined;
}

function joinTexts(name: string, texts: readonly string[]): string {
  const filled = texts.filter((text) => text !== '');
  if (filled.length > 1) {
    if (HOST_NAMES.has(name)) return filled.join(',');
    // One address twice is one address, also for protocols whose parameters have one.
    if (ROWS.has(name) || ownFamily(name) !== undefined) return [...new Set(filled)].join(',');
  }
  return filled[0] ?? texts[0] ?? '';
}

/** The first parameter of a row that is not empty. */
export function findParameter(parameters: Parameters, row: keyof typeof PARAMETERS): string | undefined {
  for (const name of PARAMETERS[row]) if (parameters[name]) return parameters[name];
  return undefined;
}

/**
 * Whether a request has a host or an address in a parameter of dyndns2 that another protocol on the same path would ignore,
 * and so publish the caller's address instead.
 * @param own names of that protocol
 */
export function namesForeignAddress(parameters: Parameters, own: readonly string[]): boolean {
  for (const given in parameters) {
    const name = given.toLowerCase();
    if (name === 'hostname' || (ROWS.has(name) && !own.includes(name))) return true;
  }
  return false;
}

/** Whether parameters name a host or an address, in any way that dyndns2 knows, or an address under an unknown name. */
export function namesHostOrAddress(parameters: Parameters): boolean {
  for (const given in parameters) {
    const name = given.toLowerCase();
    if (HOST_NAMES.has(name) || ROWS.has(name) || ownFamily(name) !== undefined) return true;
    const text = parameters[given] ?? '';
    if (text === '' && isBareHost(name)) return true;
    if ((PARAMETERS.user as readonly string[]).includes(name) && text.includes('.')) return true;
    if (isStray(name, text)) return true;
  }
  return false;
}

/**
 * For requests without an address that is known: an address under an unknown name is a mistake of the client, and what it
 * means is not the address of the caller.
 * @param own further names of the protocol
 * @throws AppError address-invalid
 */
export function refuseStrayAddress(parameters: Parameters, own?: ReadonlySet<string>): void {
  for (const name in parameters) {
    const text = parameters[name];
    if (text === undefined || (own ?? NAMES).has(name) || ownFamily(name) !== undefined) continue;
    if (!isStray(name, text)) continue;
    throw new AppError('address-invalid', 'An address is in a parameter that is not known here.');
  }
}

function isStray(name: string, text: string): boolean {
  return !name.startsWith('_') && !IGNORED.has(name) && looksLikeAddress(text === '' ? name : text);
}

/** Names of dyndns2 that are not in the table, because they are no list of alternatives. */
const OTHER_NAMES: ReadonlySet<string> = new Set(
  'ttl dry_run offline wildcard mx backmx system url started action'.split(' '),
);

/** Whether a request has any parameter that dyndns2 knows. */
export function namesParameter(parameters: Parameters): boolean {
  return Object.keys(parameters).some((name) => {
    const lower = name.toLowerCase();
    return NAMES.has(lower) || OTHER_NAMES.has(lower) || ownFamily(lower) !== undefined;
  });
}

/**
 * The hosts as they are written, without empty ones.
 * @throws AppError name-invalid where `praefix` is a label, and not one host is named
 */
export function readHosts(parameters: Parameters): string[] {
  const named = findParameter(parameters, 'host');
  // In dyndns1 YES means that the host is in another parameter.
  const isElsewhere = named?.length === 3 && named.toUpperCase() === 'YES';
  const hosts = splitHosts((isElsewhere ? parameters['host_id'] : (named ?? bareName(parameters))) ?? '');
  const { praefix } = parameters;
  if (praefix === undefined || !isLabel(praefix)) return hosts;
  if (hosts.length === 1) return [`${praefix.trim()}.${hosts[0]}`];
  throw new AppError('name-invalid', 'A label in `praefix` needs one host in `domain`.');
}

/** ipv64.net: a label in front of the domain. In all other cases `praefix` is a prefix, or a word for one. */
function isLabel(praefix: string): boolean {
  const text = praefix.trim();
  return text !== '' && !text.includes(':') && !text.includes('/') && !PREFIX_WORDS.has(text.toLowerCase());
}

const PREFIX_WORDS: ReadonlySet<string> = new Set(['auto', 'preserve', 'no', '-']);

/** `?home.example.com`: some clients append the host to the URL that is configured. */
function bareName(parameters: Parameters): string | undefined {
  for (const name in parameters) if (parameters[name] === '' && isBareHost(name)) return name;
  return undefined;
}

function isBareHost(name: string): boolean {
  return name.includes('.') && !name.includes(':') && !looksLikeAddress(name);
}

/** deSEC's form for some hosts of several: `myipv6:nas.example.com=…`. The family; undefined for other names. */
function ownFamily(name: string): 'myipv4' | 'myipv6' | undefined {
  if (name.charCodeAt(6) !== COLON || name.length === 7) return undefined;
  return name.startsWith('myipv6') ? 'myipv6' : name.startsWith('myipv4') ? 'myipv4' : undefined;
}

const COLON = 0x3a;

/** Such parameters, by the host in lower case; undefined where there are none, as nearly always. */
export function readOwnParameters(parameters: Parameters): ReadonlyMap<string, Parameters> | undefined {
  let own: Map<string, Record<string, string>> | undefined;
  for (const name in parameters) {
    const family = ownFamily(name);
    if (family === undefined) continue;
    own ??= new Map();
    for (const host of splitHosts(name.slice(7))) {
      const before = own.get(host);
      if (before === undefined) own.set(host, { [family]: parameters[name] ?? '' });
      else before[family] = parameters[name] ?? '';
    }
  }
  return own;
}

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

/** The meaning of the parameters for one family: its addresses, at least one; that it stays; that it is removed. */
type FamilyRequest = IpAddress[] | 'keep' | 'delete';

/** What the parameters of one row mean together. */
interface Reading {
  A: FamilyRequest | undefined;
  AAAA: FamilyRequest | undefined;
  /** IPv4. */
  prefix4: IpPrefix | undefined;
  /** IPv6. */
  prefix: IpPrefix | undefined;
  /** A length was cut off an IPv4 address. */
  lengthA: boolean;
  /** A length was cut off an IPv6 address. */
  lengthAAAA: boolean;
}

/** What all parameters mean, and what was noticed on the way. */
interface RequestReading extends Reading {
  /** Families whose own parameters are empty. */
  empty: readonly Family[];
  /** Any parameter but an empty `myip` is present. */
  named: boolean;
  /** `myip`, or another name of its row, is present, and all of them are empty. */
  anyIsEmpty: boolean;
  /** A word says that the caller's address is not meant. */
  noCaller: boolean;
  /** A text was neither an address nor a known word. */
  invalid: boolean;
}

/**
 * @param caller for `auto`, and where no address is named; then only its own family changes
 * @param emptyValue the meaning of an empty parameter of one family
 * @throws AppError address-invalid where addresses are named and none can be read, or where they contradict each other; caller-unknown
 */
export function chooseAddresses(
  parameters: Parameters,
  caller: IpAddress | undefined,
  emptyValue: 'keep' | 'clear',
): AddressChoice {
  if (parameters['offline']?.toUpperCase() === 'YES') return { wanted: { A: [], AAAA: [] } };
  const reading = readRequest(parameters, caller);
  const { A, AAAA, prefix4, prefix, empty } = reading;
  const wanted: { A?: readonly IpAddress[]; AAAA?: readonly IpAddress[] } = {};
  if (isAddresses(A)) wanted.A = A;
  else if (A === 'delete' && prefix4 === undefined) wanted.A = [];
  if (isAddresses(AAAA)) wanted.AAAA = AAAA;
  else if (AAAA === 'delete') wanted.AAAA = [];
  if (!hasAddress(reading)) {
    const family = callerFamily(reading, caller);
    if (family !== undefined) wanted[family] = [caller!];
  }
  if (emptyValue === 'clear' && empty.length > 0) {
    if (empty.includes('A') && A === undefined && prefix4 === undefined) wanted.A ??= [];
    if (empty.includes('AAAA') && AAAA === undefined && prefix === undefined) wanted.AAAA ??= [];
  }
  if (prefix4 === undefined && prefix === undefined) return { wanted };
  return {
    wanted,
    ...(prefix4 !== undefined && { prefix4 }),
    ...(prefix !== undefined && { prefix }),
    ...(prefix !== undefined && AAAA === 'keep' && { ownStays: true }),
  };
}

/**
 * The family of the caller where its address is meant: nothing is named, or only an empty `myip`, or only that the other
 * family stays.
 * @throws AppError address-invalid where the address would be needed
 */
function callerFamily(reading: RequestReading, caller: IpAddress | undefined): Family | undefined {
  const { A, AAAA, named, anyIsEmpty, noCaller, empty } = reading;
  const isMeant = !named || anyIsEmpty || (A === 'keep') !== (AAAA === 'keep');
  if (noCaller || !isMeant) return undefined;
  const family = familyOf(requireCaller(caller));
  if (reading[family] !== undefined) return undefined;
  return anyIsEmpty || !empty.includes(family) ? family : undefined;
}

/**
 * The families that a request for deletion means: those of the addresses and prefixes that it names, else both, but for one
 * that is to stay.
 * @throws AppError address-invalid
 */
export function chooseDeletions(parameters: Parameters, caller: IpAddress | undefined): AddressChoice {
  const { A, AAAA, prefix4, prefix } = readRequest(parameters, caller);
  const namesA = isAddresses(A) || prefix4 !== undefined;
  const namesAAAA = isAddresses(AAAA) || prefix !== undefined;
  const isGeneral = !namesA && !namesAAAA;
  const wanted: { A?: readonly IpAddress[]; AAAA?: readonly IpAddress[] } = {};
  if (namesA || (isGeneral && A !== 'keep')) wanted.A = [];
  if (namesAAAA || (isGeneral && AAAA !== 'keep')) wanted.AAAA = [];
  return { wanted };
}

/**
 * For protocols whose own parameters have one address: two addresses of a family are refused.
 * @throws AppError address-invalid
 */
export function oneOfEachFamily(choice: AddressChoice): AddressChoice {
  const { A, AAAA } = choice.wanted;
  if ((A?.length ?? 0) < 2 && (AAAA?.length ?? 0) < 2) return choice;
  throw new AppError('address-invalid', 'This protocol takes one address of each family.');
}

function hasAddress({ A, AAAA, prefix4, prefix }: Reading): boolean {
  return isAddresses(A) || isAddresses(AAAA) || prefix4 !== undefined || prefix !== undefined;
}

/** @throws AppError address-invalid */
function readRequest(parameters: Parameters, caller: IpAddress | undefined): RequestReading {
  const reading = readRows(parameters, caller);
  if (isAddresses(reading.AAAA) && reading.AAAA.some(isInterfaceIdentifier)) joinIdentifiers(reading, reading.AAAA);
  if (!hasAddress(reading)) {
    if (reading.invalid) throw new AppError('address-invalid', 'No parameter has an address that can be read.');
    refuseStrayAddress(parameters);
    return reading;
  }
  const { A, AAAA, prefix4, prefix, lengthA, lengthAAAA } = reading;
  const severalA = isAddresses(A) && A.length > 1;
  const severalAAAA = isAddresses(AAAA) && AAAA.length > 1;
  if ((severalA && lengthA) || (severalAAAA && (lengthAAAA || prefix !== undefined))) {
    throw new AppError('address-invalid', 'A prefix, or a length, goes with one address of its family.');
  }
  if (prefix4 !== undefined && isAddresses(A)) {
    throw new AppError('address-invalid', 'The request has an IPv4 address and an IPv4 prefix.');
  }
  return reading;
}

/**
 * Puts the prefix of the request in front of interface identifiers. Without a prefix they are not addresses.
 * @throws AppError address-invalid
 */
function joinIdentifiers(reading: RequestReading, addresses: readonly IpAddress[]): void {
  const { prefix } = reading;
  const joined = addresses.flatMap((address) => {
    if (!isInterfaceIdentifier(address)) return [address];
    return prefix === undefined ? [] : [joinIdentifier(prefix, address)];
  });
  reading.AAAA = joined.length > 0 ? joined : undefined;
  if (hasAddress(reading)) return;
  throw new AppError('address-invalid', 'An IPv6 interface identifier needs a prefix: send it in `ipv6prefix`.');
}

/**
 * All rows together: a parameter of one family takes precedence over those of either, and an address or prefix there over
 * the row of prefixes.
 * @throws AppError address-invalid
 */
function readRows(parameters: Parameters, caller: IpAddress | undefined): RequestReading {
  const reading: RequestReading = {
    A: undefined,
    AAAA: undefined,
    prefix4: undefined,
    prefix: undefined,
    lengthA: false,
    lengthAAAA: false,
    empty: NO_FAMILIES,
    named: false,
    anyIsEmpty: false,
    noCaller: false,
    invalid: false,
  };
  /** The row of either family, if the request has others. */
  let any: Reading | undefined;
  let anyText: string | undefined;
  let prefix: IpPrefix | undefined;
  let isPrefixDeleted = false;
  for (const name in parameters) {
    const row = ROWS.get(name);
    const text = row === undefined ? undefined : parameters[name];
    if (text === undefined) continue;
    const isEmpty = text.trim() === '';
    if (row === 'any') {
      anyText ||= text.trim();
      if (isEmpty) continue;
      reading.named = true;
      any ??= newReading();
      readItems(any, reading, text, caller, undefined);
    } else if (row === 'prefix') {
      if (name === 'praefix' && (isEmpty || isLabel(text))) continue;
      reading.named = true;
      if (text.trim() === '-') isPrefixDeleted = true;
      else if (!isEmpty) prefix = samePrefix(prefix, readPrefixParameter(reading, text.trim(), caller));
    } else if (row !== undefined) {
      reading.named = true;
      if (isEmpty) reading.empty = [...reading.empty, row];
      else readItems(reading, reading, text, caller, row);
    }
  }
  reading.anyIsEmpty = anyText === '';
  if (any !== undefined) addGeneral(reading, any);
  reading.prefix ??= prefix;
  if (isPrefixDeleted) reading.AAAA ??= 'delete';
  return reading;
}

const NO_FAMILIES: readonly Family[] = [];

function newReading(): Reading {
  return { A: undefined, AAAA: undefined, prefix4: undefined, prefix: undefined, lengthA: false, lengthAAAA: false };
}

/** Takes from the row of either family what the rows of one family leave open. */
function addGeneral(reading: Reading, any: Reading): void {
  if (reading.A === undefined && reading.prefix4 === undefined) {
    reading.A = any.A;
    reading.prefix4 = any.prefix4;
    reading.lengthA = any.lengthA;
  }
  if (reading.AAAA === undefined) {
    reading.AAAA = any.AAAA;
    reading.lengthAAAA = any.lengthAAAA;
  }
  reading.prefix ??= any.prefix;
}

const SEPARATOR = /[\s,]+/;

/** Items of one parameter, addresses and others. */
const MAX_ITEMS = 100;

/**
 * @param row receives the addresses
 * @param only the family of the parameter; undefined: either
 * @throws AppError address-invalid for too many addresses, or two prefixes
 */
function readItems(
  row: Reading,
  request: RequestReading,
  text: string,
  caller: IpAddress | undefined,
  only: Family | undefined,
): void {
  if (!SEPARATOR.test(text)) {
    readItem(row, request, text, caller, only);
    return;
  }
  const items = text.split(SEPARATOR, MAX_ITEMS + 1);
  if (items.length > MAX_ITEMS) throw new AppError('address-invalid', 'A parameter has too many addresses.');
  for (const item of items) if (item !== '') readItem(row, request, item, caller, only);
}

function readItem(
  row: Reading,
  request: RequestReading,
  item: string,
  caller: IpAddress | undefined,
  only: Family | undefined,
): void {
  const read = readAddress(item);
  if (read === undefined) readWord(row, request, item.toLowerCase(), caller, only);
  else if (only !== undefined && read.family !== (only === 'A' ? 4 : 6)) request.invalid = true;
  else if ('length' in read) {
    if (read.family === 4) row.prefix4 = samePrefix(row.prefix4, read);
    else row.prefix = samePrefix(row.prefix, read);
  } else {
    addAddress(row, read);
    if (item.includes('/') && !hasWholeLength(item)) {
      if (read.family === 4) row.lengthA = true;
      else row.lengthAAAA = true;
    }
  }
}

function hasWholeLength(item: string): boolean {
  const read = readAddressWithLength(item);
  return read?.length !== undefined && isWholeLength(read.address, read.length);
}

function readWord(
  row: Reading,
  request: RequestReading,
  word: string,
  caller: IpAddress | undefined,
  only: Family | undefined,
): void {
  if (word === 'preserve' || word === 'no') {
    if (word === 'no' || only === undefined) request.noCaller = true;
    if (only !== undefined) row[only] ??= 'keep';
  } else if (word === '-') {
    if (only !== 'AAAA') row.A ??= 'delete';
    if (only !== 'A') row.AAAA ??= 'delete';
  } else if (word !== 'auto') request.invalid = true;
  else if (only === undefined || familyOf(requireCaller(caller)) === only) addAddress(row, requireCaller(caller));
  else {
    // A caller by IPv4 has no IPv6 address that `auto` could mean: nothing changes.
    row[only] ??= 'keep';
    request.noCaller = true;
  }
}

/** An address takes precedence over a word. @throws AppError address-invalid */
function addAddress(row: Reading, address: IpAddress): void {
  const family = familyOf(address);
  const addresses = row[family];
  if (!isAddresses(addresses)) row[family] = [address];
  else if (!addresses.some(({ text }) => text === address.text)) {
    if (addresses.length === MAX_ADDRESSES) {
      throw new AppError('address-invalid', `A host has ${MAX_ADDRESSES} addresses of a family at most.`);
    }
    addresses.push(address);
  }
}

/** @throws AppError address-invalid */
function samePrefix(first: IpPrefix | undefined, second: IpPrefix | undefined): IpPrefix | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  if (formatIpPrefix(first) === formatIpPrefix(second)) return first;
  throw new AppError('address-invalid', 'The request has more than one prefix of a family.');
}

function readPrefixParameter(
  request: RequestReading,
  text: string,
  caller: IpAddress | undefined,
): IpPrefix | undefined {
  const word = text.toLowerCase();
  if (word === 'preserve' || word === 'no') return undefined;
  const prefix = word === 'auto' ? callersPrefix(requireCaller(caller)) : readPrefix(text);
  if (prefix === undefined) request.invalid = true;
  return prefix;
}

function callersPrefix(caller: IpAddress): IpPrefix | undefined {
  return caller.family === 6 ? networkOf(caller, 64) : undefined;
}

function isAddresses(request: FamilyRequest | undefined): request is IpAddress[] {
  return typeof request === 'object';
}

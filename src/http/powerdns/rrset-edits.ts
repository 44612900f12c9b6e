/** Reads the body of a PATCH: the RRsets, each with what is to become of it, as edits of the zone. */
import { AppError } from '../../core/errors.ts';
import { MAX_EDITS } from '../../core/records/change-records.ts';
import { MAX_TTL } from '../../core/updates/edit-rules.ts';
import { DomainName, NameError } from '../../dns/name.ts';
import { readRecordText } from '../../dns/presentation/record-text.ts';
import { PresentationError } from '../../dns/presentation/text-tokens.ts';
import { isMetaType, parseRRType, type Rdata, SINGLE_TYPES } from '../../dns/rdata.ts';
import type { ZoneEdit } from '../../dns/zone-change.ts';
import { ReadingTurns } from '../request/reading-turns.ts';
import { fieldOf, isJsonObject, type JsonObject, parseStrictJson } from '../request/strict-json.ts';

const CHANGE_TYPES = ['REPLACE', 'DELETE', 'EXTEND', 'PRUNE'] as const;
type ChangeType = (typeof CHANGE_TYPES)[number];

/** @throws AppError body-malformed, request-malformed, name-invalid (rejects) */
export async function readEdits(body: Buffer): Promise<readonly ZoneEdit[]> {
  const value = parseStrictJson(body.toString('utf8'));
  const rrsets = isJsonObject(value) ? fieldOf(value, 'rrsets') : undefined;
  if (!Array.isArray(rrsets)) throw malformed('No rrsets given in update request');
  if (rrsets.length > MAX_EDITS) throw malformed(`A request may change at most ${MAX_EDITS} RRsets.`);
  const edits: ZoneEdit[] = [];
  const seen = new Set<string>();
  const turns = new ReadingTurns();
  for (const rrset of rrsets) {
    const edit = readRRset(rrset, seen);
    if (edit !== undefined) edits.push(edit);
    await turns.take(edit === undefined ? 1 : recordsOf(edit));
  }
  return edits;
}

function recordsOf(edit: ZoneEdit): number {
  if ('rrset' in edit) return edit.rrset.rdatas.length;
  return edit.kind === 'delete-from-rrset' ? edit.rdatas.length : 1;
}

/** Undefined: nothing changes, because only comments would. */
function readRRset(rrset: unknown, seen: Set<string>): ZoneEdit | undefined {
  if (!isJsonObject(rrset)) throw malformed('An entry of rrsets is not an object.');
  const ownerName = readName(textOf(rrset, 'name'));
  const typeText = textOf(rrset, 'type');
  const what = `RRset ${ownerName} IN ${shown(typeText)}`;
  const type = readType(typeText, what);
  const changeType = readChangeType(rrset, what);
  const id = `${changeType} ${type} ${ownerName.key}`;
  if (seen.has(id)) throw malformed(`Duplicate ${what} with changetype: ${changeType}`);
  seen.add(id);
  if (changeType === 'DELETE') return { kind: 'delete-rrset', ownerName, type };
  const records = fieldOf(rrset, 'records');
  if (records === undefined && Array.isArray(fieldOf(rrset, 'comments'))) return undefined;
  if (!Array.isArray(records)) throw malformed(`No change for ${what}: 'records' is not a list`);
  const rdatas = readRecords(records, type, ownerName, what);
  if (changeType === 'PRUNE') return { kind: 'delete-from-rrset', ownerName, type, rdatas };
  if (rdatas.length === 0) {
    if (changeType === 'REPLACE') return { kind: 'delete-rrset', ownerName, type };
    throw malformed(`${what}: EXTEND needs a record`);
  }
  const ttl = readTtl(fieldOf(rrset, 'ttl'), what);
  const kind = changeType === 'REPLACE' ? 'replace-rrset' : 'add-to-rrset';
  return { kind, rrset: { ownerName, type, ttl, rdatas } };
}

/** @throws AppError name-invalid */
function readName(text: string): DomainName {
  if (!text.endsWith('.'))
    throw new AppError('name-invalid', `DNS Name '${shown(text)}' is not canonical: it has no final dot`);
  try {
    return DomainName.parse(text);
  } catch (error) {
    if (!(error instanceof NameError)) throw error;
    throw new AppError('name-invalid', `Unable to parse DNS Name '${shown(text)}': ${error.message}`);
  }
}

/** Types of PowerDNS that are not records, with what to write instead. */
const ADVICE: Readonly<Record<string, string>> = {
  ALIAS: ' (ALIAS is not a type of DNS: write A and AAAA records, or a CNAME below the apex)',
  LUA: ' (LUA records are code of PowerDNS: write the records themselves)',
};

function readType(text: string, what: string): number {
  const type = parseRRType(text);
  if (type !== undefined && type !== 0 && !isMetaType(type)) return type;
  throw malformed(`${what}: unknown type given${Object.hasOwn(ADVICE, text) ? ADVICE[text] : ''}`);
}

function readChangeType(rrset: JsonObject, what: string): ChangeType {
  const text = textOf(rrset, 'changetype').toUpperCase();
  const found = CHANGE_TYPES.find((changeType) => changeType === text);
  if (found === undefined) throw malformed(`${what}: Changetype not understood; it is ${CHANGE_TYPES.join(', ')}`);
  return found;
}

function readRecords(records: readonly unknown[], type: number, ownerName: DomainName, what: string): Rdata[] {
  if (SINGLE_TYPES.has(type) && records.length > 1) throw malformed(`${what} has more than one record`);
  const contents = new Set<string>();
  return records.map((record) => {
    if (!isJsonObject(record)) throw malformed(`${what}: an entry of records is not an object`);
    const content = textOf(record, 'content');
    requireNo(record, 'disabled', `${what}: disabled records cannot be stored here; leave them out`);
    requireNo(record, 'set-ptr', `${what}: set-ptr is not supported; write the PTR record`);
    if (contents.has(content)) throw malformed(`Duplicate record in ${what} with content "${shown(content)}"`);
    contents.add(content);
    try {
      return readRecordText(type, content);
    } catch (error) {
      if (!(error instanceof PresentationError || error instanceof NameError)) throw error;
      throw malformed(
        `Record ${ownerName}/${what.slice(what.lastIndexOf(' ') + 1)} '${shown(content)}': Parsing record content: ${error.message}`,
      );
    }
  });
}

/** What is neither true nor false is no answer to whether the record is wanted. */
function requireNo(record: JsonObject, name: string, ifYes: string): void {
  const value = fieldOf(record, name) ?? false;
  if (value === true) throw malformed(ifYes);
  if (value !== false) throw malformed(`Key '${name}' is not a Bool`);
}

/** PowerDNS reads a number as a text, too. */
function readTtl(value: unknown, what: string): number {
  const ttl = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof ttl === 'number' && Number.isInteger(ttl) && ttl >= 0 && ttl <= MAX_TTL) return ttl;
  throw malformed(`${what}: Key 'ttl' is not present or not a number from 0 to ${MAX_TTL}`);
}

function textOf(object: JsonObject, name: string): string {
  const value = fieldOf(object, name);
  if (typeof value === 'string') return value;
  throw malformed(`Key '${name}' not present or not a String`);
}

const MAX_SHOWN = 200;

/** What the client sent, in an error. */
function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** The content of a request is not for the log. */
function malformed(message: string): AppError {
  return new AppError('request-malformed', message, { logText: 'An RRset in the request cannot be read.' });
}

/**
 * Parses zone files (RFC 1035 §5; $TTL: RFC 2308 §4; $GENERATE: as in BIND). zone-check.ts checks the records of a whole
 * zone, zone-file-format.ts formats them.
 *
 * The caller reads the files, as UTF-8. Left out: classes other than IN.
 */
import { errorText } from '../error-text.ts';
import { excerpt } from '../excerpt.ts';
import { type DomainName, NameError } from '../name.ts';
import { parseRdataTokens } from '../presentation/rdata-text.ts';
import { ScanError, scanZoneFile, type ZoneFileEntry } from '../presentation/scanner.ts';
import { parseZoneFileName } from '../presentation/text-fields.ts';
import { parseBase32Hex, parseSeconds } from '../presentation/text-numbers.ts';
import { PresentationError, type TextToken } from '../presentation/text-tokens.ts';
import { formatRRType, isMetaType, parseRRType, type Rdata, type ResourceRecord, RRClass, RRType } from '../rdata.ts';
import { findDecodedRdataFault, isTooLong, MAX_RDATA_OCTETS } from '../wire/rdata-check.ts';
import { MAX_GENERATED_RECORDS, readGenerate } from './zone-file-generate.ts';

/** A problem of a zone file. The message is `FILE:LINE: problem`, like that of a compiler. */
export class ZoneFileError extends Error {
  /** Undefined if the text has no file name. */
  readonly file: string | undefined;
  /** Counted from 1. */
  readonly line: number;
  constructor(file: string | undefined, line: number, reason: string) {
    super(`${formatPlace({ file, line })}: ${reason}`);
    this.name = 'ZoneFileError';
    this.file = file;
    this.line = line;
  }
}

/** A record and its place. */
export interface ZoneFileRecord extends ResourceRecord {
  readonly file: string | undefined;
  readonly line: number;
}

export interface ZoneFileOptions {
  /** The initial origin, usually the apex. */
  readonly origin: DomainName;
  /** Seconds, as if the file began with $TTL. */
  readonly defaultTtl?: number;
  /** Returns the text of an included file; may throw. Without it, $INCLUDE is an error. */
  readonly include?: (fileName: string) => string;
  /** For error messages. */
  readonly fileName?: string;
  /** Line number of the first line, if the text is part of a file. Default: 1. */
  readonly firstLine?: number;
}

/** `FILE:LINE`, or `line LINE`. */
export function formatPlace({ file, line }: { readonly file: string | undefined; readonly line: number }): string {
  return file === undefined ? `line ${line}` : `${file}:${line}`;
}

/** The records, of class IN, in the order of the file. @throws ZoneFileError */
export function parseZoneFile(text: string, options: ZoneFileOptions): ZoneFileRecord[] {
  return [...zoneFileRecords(text, options)];
}

/** As parseZoneFile, but one record at a time. */
export function* zoneFileRecords(text: string, options: ZoneFileOptions): Generator<ZoneFileRecord> {
  yield* new ZoneFileReader(options).file(text, options.fileName, options.firstLine ?? 1, []);
}

/**
 * Why the RDATA of a record cannot be zone data; undefined if it can. The parser reads what has the syntax of its type, or
 * any octets after `\\#`; who takes the records into a zone also checks this.
 */
export function findRecordFault({ ownerName, type, rdata }: ResourceRecord): string | undefined {
  // RFC 5155 §3: BIND refuses the transfer of any other.
  if (type === RRType.NSEC3 && parseBase32Hex(ownerName.toString().split('.')[0]!) === undefined) {
    return `the owner name of NSEC3 is not a hash: '${ownerName}'`;
  }
  const fault = isTooLong(rdata)
    ? `it is longer than ${MAX_RDATA_OCTETS} octets, and no transfer could carry it`
    : findDecodedRdataFault(type, rdata);
  return fault && `malformed RDATA of ${formatRRType(type)}: ${fault}`;
}

/** RFC 2181 §8. */
const MAX_TTL = 2 ** 31 - 1;
const MAX_INCLUDE_DEPTH = 16;
/** Limits the total: files that include two others each, 16 deep, would be 65,536. */
const MAX_INCLUDES = 1000;

class ZoneFileReader {
  readonly #include: ((fileName: string) => string) | undefined;
  #origin: DomainName;
  #defaultTtl: number | undefined;
  /** The last explicit TTL (RFC 1035 §5.1). */
  #lastTtl: number | undefined;
  #owner: DomainName | undefined;
  #ownerText: string | undefined;
  #includes = 0;
  #generated = 0;

  constructor(options: ZoneFileOptions) {
    this.#include = options.include;
    this.#origin = options.origin;
    this.#defaultTtl = options.defaultTtl;
  }

  /** @param above the chain of files that include this one, outermost first */
  *file(
    text: string,
    file: string | undefined,
    firstLine: number,
    above: readonly string[],
  ): Generator<ZoneFileRecord> {
    let line = firstLine;
    try {
      for (const entry of scanZoneFile(text)) {
        line = entry.line + firstLine - 1;
        const directive = entry.indented || entry.tokens[0]!.quoted ? '' : entry.tokens[0]!.text;
        if (!directive.startsWith('$')) {
          yield this.#record(entry, file, line);
        } else if (/^\$GENERATE$/i.test(directive)) {
          yield* this.#generate(entry, file, line);
        } else if (/^\$INCLUDE$/i.test(directive)) {
          yield* this.#includedFile(entry, file === undefined ? above : [...above, file]);
        } else {
          this.#directive(directive, entry.tokens);
        }
      }
    } catch (error) {
      if (error instanceof ScanError) throw new ZoneFileError(file, error.line + firstLine - 1, error.message);
      if (error instanceof PresentationError) throw new ZoneFileError(file, line, error.message);
      if (error instanceof NameError) throw new ZoneFileError(file, line, error.message.replace(/\.$/, ''));
      throw error;
    }
  }

  #directive(directive: string, tokens: readonly TextToken[]): void {
    const value = tokens[1]?.text;
    switch (directive.toUpperCase()) {
      case '$ORIGIN':
        if (value === undefined || tokens.length > 2) throw new PresentationError('$ORIGIN needs one name');
        this.#origin = parseZoneFileName(value, this.#origin);
        this.#ownerText = undefined;
        return;
      case '$TTL': {
        const ttl = tokens.length === 2 ? parseSeconds(value!) : undefined;
        if (ttl === undefined) throw new PresentationError('$TTL needs a time, such as $TTL 3600 or $TTL 1h');
        this.#defaultTtl = checkedTtl(ttl);
        return;
      }
      default:
        throw new PresentationError(
          `unknown directive ${excerpt(directive)}: use $ORIGIN, $TTL, $INCLUDE or $GENERATE`,
        );
    }
  }

  /** An included file does not change the origin and the owner name of this one (RFC 1035 §5.1). */
  *#includedFile({ tokens }: ZoneFileEntry, above: readonly string[]): Generator<ZoneFileRecord> {
    const [, file, origin] = tokens;
    if (file === undefined || tokens.length > 3) {
      throw new PresentationError('$INCLUDE needs a file name and, optionally, an origin');
    }
    if (this.#include === undefined) {
      throw new PresentationError('$INCLUDE is not supported here: replace it by the records of the file');
    }
    if (above.includes(file.text)) throw new PresentationError(`'${excerpt(file.text)}' includes itself`);
    this.#includes += 1;
    if (above.length >= MAX_INCLUDE_DEPTH || this.#includes > MAX_INCLUDES) {
      throw new PresentationError(
        `too many files are included: at most ${MAX_INCLUDES} in total and ${MAX_INCLUDE_DEPTH} nested are allowed`,
      );
    }
    let text: string;
    try {
      text = this.#include(file.text);
    } catch (error) {
      const reason = errorText(error);
      throw new PresentationError(`cannot read '${excerpt(file.text)}': ${reason}`);
    }
    const [outerOrigin, outerOwner] = [this.#origin, this.#owner];
    if (origin !== undefined) this.#origin = parseZoneFileName(origin.text, this.#origin);
    this.#ownerText = undefined;
    yield* this.file(text, file.text, 1, above);
    this.#origin = outerOrigin;
    this.#owner = outerOwner;
    this.#ownerText = undefined;
  }

  *#generate(entry: ZoneFileEntry, file: string | undefined, line: number): Generator<ZoneFileRecord> {
    const { count, textOf } = readGenerate(entry.tokens);
    this.#generated += count;
    if (this.#generated > MAX_GENERATED_RECORDS) {
      throw new PresentationError(`$GENERATE creates more than ${MAX_GENERATED_RECORDS} records in this file`);
    }
    for (let i = 0; i < count; i++) {
      for (const generated of scanZoneFile(textOf(i))) yield this.#record(generated, file, line);
    }
  }

  #record({ indented, tokens }: ZoneFileEntry, file: string | undefined, line: number): ZoneFileRecord {
    let at = 0;
    if (!indented) {
      const { text, quoted } = tokens[at++]!;
      if (quoted) throw new PresentationError('the owner name must not be quoted');
      if (text !== this.#ownerText || this.#owner === undefined) {
        this.#owner = parseZoneFileName(text, this.#origin);
        this.#ownerText = text;
      }
    }
    const ownerName = this.#owner;
    if (ownerName === undefined) {
      throw new PresentationError('the first record has no owner name: start its line with a name or @');
    }
    let ttl: number | undefined;
    let classSeen = false;
    for (; ; at++) {
      const token = tokens[at];
      if (token === undefined) throw new PresentationError('the record has no type and no data');
      const seconds = isDigit(token.text) ? parseSeconds(token.text) : undefined;
      if (seconds !== undefined && ttl === undefined) {
        ttl = checkedTtl(seconds);
      } else if (isClass(token.text) && !classSeen) {
        classSeen = true;
      } else break;
    }
    const mnemonic = tokens[at]!.text;
    const type = tokens[at]!.quoted ? undefined : parseRRType(mnemonic);
    if (type === undefined) throw new PresentationError(unknownType(mnemonic));
    if (type === 0 || isMetaType(type))
      throw new PresentationError(`a zone cannot have data of type ${excerpt(mnemonic)}`);
    const rdata = parseRdataTokens(type, tokens.slice(at + 1), this.#origin);
    return { ownerName, type, class: RRClass.IN, ttl: this.#ttl(ttl, rdata), rdata, file, line };
  }

  #ttl(explicit: number | undefined, rdata: Rdata): number {
    if (explicit !== undefined) {
      this.#lastTtl = explicit;
      return explicit;
    }
    // Files without $TTL: the last explicit TTL (RFC 1035 §5.1), or the SOA's MINIMUM as before RFC 2308 §4.
    if (this.#defaultTtl === undefined && this.#lastTtl === undefined && rdata.kind === 'SOA') {
      this.#defaultTtl = Math.min(rdata.minimum, MAX_TTL);
    }
    const ttl = this.#defaultTtl ?? this.#lastTtl;
    if (ttl === undefined) throw new PresentationError('the record has no TTL: add a line such as $TTL 3600 before it');
    return ttl;
  }
}

function isDigit(text: string): boolean {
  const code = text.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}

function checkedTtl(seconds: number): number {
  if (seconds > MAX_TTL) throw new PresentationError(`a TTL is at most ${MAX_TTL} seconds (RFC 2181 §8)`);
  return seconds;
}

function isClass(text: string): boolean {
  const upper = text.toUpperCase();
  if (upper === 'IN' || upper === 'CLASS1') return true;
  if (/^(CH|HS|CS|CLASS\d+)$/.test(upper)) {
    throw new PresentationError(`class ${excerpt(text)} is not supported: write IN or no class`);
  }
  return false;
}

function unknownType(text: string): string {
  if (text.startsWith('$')) return `${excerpt(text)} must be at the start of its line`;
  return `'${excerpt(text)}' is not a known RR type: write TYPE and its number, or check that the line starts with the owner name`;
}

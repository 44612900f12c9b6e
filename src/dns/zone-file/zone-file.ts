/**
 * Zone files to records (RFC 1035 §5, $TTL of RFC 2308 §4, $GENERATE as BIND has it). The rules that a whole zone must
 * keep are in zone-check.ts, the way back in zone-file-format.ts.
 *
 * Files are read by the caller, as UTF-8. Left out: classes other than IN.
 */
import { type DomainName, NameError } from '../name.ts';
import { parseRdataTokens } from '../presentation/rdata-text.ts';
import { ScanError, scanZoneFile, type ZoneFileEntry } from '../presentation/scanner.ts';
import { parseZoneFileName } from '../presentation/text-fields.ts';
import { parseSeconds } from '../presentation/text-numbers.ts';
import { PresentationError, shown, type TextToken } from '../presentation/text-tokens.ts';
import { isMetaType, parseRRType, type Rdata, type ResourceRecord, RRClass } from '../rdata.ts';
import { GENERATED_MAX, readGenerate } from './zone-file-generate.ts';

/** What is wrong with a zone file, where, and what to do. The message has the place in front. */
export class ZoneFileError extends Error {
  /** Undefined for a text that has no file name. */
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

/** A record and where it stands. */
export interface ZoneFileRecord extends ResourceRecord {
  readonly file: string | undefined;
  readonly line: number;
}

export interface ZoneFileOptions {
  /** The origin at the beginning: mostly the apex. */
  readonly origin: DomainName;
  /** Seconds; as if the file began with $TTL. */
  readonly defaultTtl?: number;
  /** Gives the text of a file that $INCLUDE names; it may throw. Without it, $INCLUDE is an error. */
  readonly include?: (fileName: string) => string;
  /** For the places in errors. */
  readonly fileName?: string;
  /** The number of the text's first line, for a text that is a part of a file; 1 by default. */
  readonly firstLine?: number;
}

/** `FILE:LINE`, or `line LINE`. */
export function formatPlace({ file, line }: { readonly file: string | undefined; readonly line: number }): string {
  return file === undefined ? `line ${line}` : `${file}:${line}`;
}

/** All records of a zone file, of class IN, in the order of the file. @throws ZoneFileError */
export function parseZoneFile(text: string, options: ZoneFileOptions): ZoneFileRecord[] {
  return [...zoneFileRecords(text, options)];
}

/** As parseZoneFile, one record after the other. */
export function* zoneFileRecords(text: string, options: ZoneFileOptions): Generator<ZoneFileRecord> {
  yield* new ZoneFileReader(options).file(text, options.fileName, options.firstLine ?? 1, []);
}

/** RFC 2181 §8. */
const MAX_TTL = 2 ** 31 - 1;
const MAX_INCLUDE_DEPTH = 16;
/** Of one zone: files that include two others each, 16 deep, would be 65,536. */
const MAX_INCLUDES = 1000;

class ZoneFileReader {
  readonly #include: ((fileName: string) => string) | undefined;
  #origin: DomainName;
  #defaultTtl: number | undefined;
  /** The last TTL that stood in a record (RFC 1035 §5.1). */
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

  /** @param above the files that include this one, the outermost first */
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
          yield* this.#included(entry, file === undefined ? above : [...above, file]);
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
        if (value === undefined || tokens.length > 2) throw new PresentationError('write $ORIGIN and one name');
        this.#origin = parseZoneFileName(value, this.#origin);
        this.#ownerText = undefined;
        return;
      case '$TTL': {
        const ttl = tokens.length === 2 ? parseSeconds(value!) : undefined;
        if (ttl === undefined) throw new PresentationError('write $TTL and a time, as $TTL 3600 or $TTL 1h');
        this.#defaultTtl = checkedTtl(ttl);
        return;
      }
      default:
        throw new PresentationError(
          `${shown(directive)} is not known here; there are $ORIGIN, $TTL, $INCLUDE and $GENERATE`,
        );
    }
  }

  /** RFC 1035 §5.1: origin and owner of this file are not changed by the other. */
  *#included({ tokens }: ZoneFileEntry, above: readonly string[]): Generator<ZoneFileRecord> {
    const [, file, origin] = tokens;
    if (file === undefined || tokens.length > 3) {
      throw new PresentationError('write $INCLUDE, a file name, and perhaps the origin of its names');
    }
    if (this.#include === undefined) {
      throw new PresentationError('$INCLUDE is not allowed here: put the records of the other file in its place');
    }
    if (above.includes(file.text)) throw new PresentationError(`'${shown(file.text)}' includes itself`);
    this.#includes += 1;
    if (above.length >= MAX_INCLUDE_DEPTH || this.#includes > MAX_INCLUDES) {
      throw new PresentationError(
        `too many files: ${MAX_INCLUDES} in all, and ${MAX_INCLUDE_DEPTH} each in the next, are allowed`,
      );
    }
    let text: string;
    try {
      text = this.#include(file.text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new PresentationError(`cannot read '${shown(file.text)}': ${reason}`);
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
    if (this.#generated > GENERATED_MAX) {
      throw new PresentationError(`$GENERATE makes more than ${GENERATED_MAX} records in this file`);
    }
    for (let i = 0; i < count; i++) {
      for (const made of scanZoneFile(textOf(i))) yield this.#record(made, file, line);
    }
  }

  #record({ indented, tokens }: ZoneFileEntry, file: string | undefined, line: number): ZoneFileRecord {
    let at = 0;
    if (!indented) {
      const { text, quoted } = tokens[at++]!;
      if (quoted) throw new PresentationError('the owner name must not stand in quotes');
      if (text !== this.#ownerText || this.#owner === undefined) {
        this.#owner = parseZoneFileName(text, this.#origin);
        this.#ownerText = text;
      }
    }
    const ownerName = this.#owner;
    if (ownerName === undefined) {
      throw new PresentationError('the first record has no owner name: begin its line with a name, or with @');
    }
    let ttl: number | undefined;
    let classSeen = false;
    for (; ; at++) {
      const token = tokens[at];
      if (token === undefined) throw new PresentationError('the type and the data of the record are missing');
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
    if (type === 0 || isMetaType(type)) throw new PresentationError(`a zone has no data of type ${shown(mnemonic)}`);
    const rdata = parseRdataTokens(type, tokens.slice(at + 1), this.#origin);
    return { ownerName, type, class: RRClass.IN, ttl: this.#ttl(ttl, rdata), rdata, file, line };
  }

  #ttl(explicit: number | undefined, rdata: Rdata): number {
    if (explicit !== undefined) {
      this.#lastTtl = explicit;
      return explicit;
    }
    // Files older than $TTL: the last TTL, or the SOA's MINIMUM (RFC 2308 §4).
    if (this.#defaultTtl === undefined && this.#lastTtl === undefined && rdata.kind === 'SOA') {
      this.#defaultTtl = Math.min(rdata.minimum, MAX_TTL);
    }
    const ttl = this.#defaultTtl ?? this.#lastTtl;
    if (ttl === undefined) throw new PresentationError('the record has no TTL: put a line as $TTL 3600 before it');
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
    throw new PresentationError(`class ${shown(text)} is not served here: write IN, or no class`);
  }
  return false;
}

function unknownType(text: string): string {
  if (text.startsWith('$')) return `${shown(text)} must stand at the very beginning of its line`;
  return `'${shown(text)}' is no RR type: write it as TYPE and its number, or check that the owner name begins the line`;
}

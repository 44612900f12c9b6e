/**
 * RDATA in the requests of an API, where no file gives a text its origin: names are absolute, texts are quoted, and what is read can
 * become zone data (wire/rdata-check.ts).
 */
import { DomainName } from '../name.ts';
import { formatRRType, type Rdata, RRType } from '../rdata.ts';
import { findDecodedRdataFault, isTooLong, MAX_RDATA_OCTETS } from '../wire/rdata-check.ts';
import { encodedRdata } from '../wire/rdata-codec.ts';
import { parseRdata } from './rdata-text.ts';
import { scanWords } from './scanner.ts';
import { PresentationError, unescapeText } from './text-tokens.ts';

/** Octets of a character-string (RFC 1035 §3.3). */
const MAX_STRING = 255;

/** Types without names in their RDATA. */
const WITHOUT_NAMES: ReadonlySet<number> = new Set([
  RRType.A,
  RRType.AAAA,
  RRType.TXT,
  RRType.CAA,
  RRType.SSHFP,
  RRType.TLSA,
]);

/** Differs from the root, so that a relative name shows. */
const ELSEWHERE = DomainName.parse('origin.invalid.');

/** @throws PresentationError */
export function readRecordText(type: number, text: string): Rdata {
  if (/\p{Cc}/u.test(text.replaceAll('\t', ' '))) throw new PresentationError('it has a control character');
  const rdata = type === RRType.TXT ? readTexts(text) : parseRdata(type, text);
  if (!WITHOUT_NAMES.has(type) && !sameRdata(rdata, parseRdata(type, text, ELSEWHERE))) {
    throw new PresentationError("a name in it is relative: write names with their final dot, like 'www.example.com.'");
  }
  if (isTooLong(rdata)) throw new PresentationError(`it has more than ${MAX_RDATA_OCTETS} octets`);
  const fault = findDecodedRdataFault(type, rdata);
  if (fault !== undefined) throw new PresentationError(`malformed RDATA of ${formatRRType(type)}: ${fault}`);
  return rdata;
}

/** One quoted string or more; one of more than 255 octets becomes several. */
function readTexts(text: string): Rdata {
  const tokens = scanWords(text);
  if (tokens.length === 0 || tokens.some(({ quoted }) => !quoted)) {
    throw new PresentationError('a text must be quoted, like "some text"');
  }
  const strings: Uint8Array[] = [];
  for (const token of tokens) {
    const octets = unescapeText(token.text);
    for (let at = 0; at === 0 || at < octets.length; at += MAX_STRING) {
      strings.push(Uint8Array.from(octets.subarray(at, at + MAX_STRING)));
    }
  }
  return { kind: 'TXT', strings };
}

function sameRdata(a: Rdata, b: Rdata): boolean {
  return Buffer.compare(encodedRdata(a), encodedRdata(b)) === 0;
}

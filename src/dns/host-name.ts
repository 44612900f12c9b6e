/**
 * Host names as people and routers enter them: host-name characters (RFC 952, RFC 1123 §2.1), `_` and wildcards, and IDNA
 * (RFC 5890, UTS #46) by Node.js.
 */
import { domainToASCII } from 'node:url';
import { excerpt } from './excerpt.ts';
import { DomainName, MAX_LABEL_OCTETS, MAX_NAME_OCTETS, NameError } from './name.ts';

/**
 * Parses a name as entered by a person or a router: relative to the root, final dot optional. Labels have letters, digits,
 * hyphens and `_`, or are a left-most `*`; non-ASCII labels are converted by IDNA, one at a time because the WHATWG
 * function turns the name `1.2` into an address and rejects `www.example.777`.
 * @throws NameError that names the label
 */
export function parseHostName(text: string): DomainName {
  const labels = text.split('.');
  if (labels.length > 1 && labels[labels.length - 1] === '') labels.pop();
  let last = '';
  let wireText = '';
  let presentation = '';
  for (let index = 0; index < labels.length; index++) {
    last = hostLabel(labels[index]!, index, text);
    wireText += String.fromCharCode(last.length) + last;
    presentation += `${last}.`;
    if (wireText.length > MAX_NAME_OCTETS) break;
  }
  if (wireText.length + 1 > MAX_NAME_OCTETS) {
    throw new NameError('name-too-long', `The DNS name '${excerpt(text)}' is longer than 255 octets.`);
  }
  if (/^\d+$/.test(last)) {
    const shortText = excerpt(text);
    throw new NameError('numeric-tld', `The TLD '${last}' of the DNS name '${shortText}' must be not purely numeric.`);
  }
  // No character of a host name is escaped in presentation form.
  return DomainName.ofTexts(`${wireText}\0`, presentation);
}

/**
 * UTF-16 units of a label before IDNA: Punycode takes quadratic time (RFC 3492 §6.3). A label of 63 octets is shorter, also
 * with decomposed characters.
 */
const MAX_LABEL_UNITS = 4 * MAX_LABEL_OCTETS;

function hostLabel(label: string, index: number, text: string): string {
  if (label === '') throw new NameError('empty-label', `The DNS name '${excerpt(text)}' has an empty label.`);
  let ascii = label;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is "not ASCII"
  if (/[^\x00-\x7f]/.test(label)) {
    // The WHATWG function parses its input as a URL's host: it decodes `%`, stops at `/`, `?`, `#` and `\`, drops tabs and
    // line ends, and splits the label at dot-like characters. So all ASCII characters must be host-name characters.
    if (!/^[a-z0-9_\-\u0080-\uffff]+$/i.test(label) || label.startsWith('-') || label.endsWith('-'))
      throw invalidLabel(label, text);
    if (label.length > MAX_LABEL_UNITS) throw tooLong(label, text);
    ascii = domainToASCII(label);
    if (ascii === '' || ascii.includes('.')) throw invalidLabel(label, text);
  }
  if (ascii.length > MAX_LABEL_OCTETS) throw tooLong(label, text);
  if (ascii === '*' && index === 0) return ascii;
  if (!/^[a-z0-9_-]+$/i.test(ascii) || ascii.startsWith('-') || ascii.endsWith('-')) throw invalidLabel(label, text);
  return ascii;
}

function invalidLabel(label: string, text: string): NameError {
  return new NameError('bad-label', `The label '${excerpt(label)}' of the DNS name '${excerpt(text)}' is invalid.`);
}

function tooLong(label: string, text: string): NameError {
  const shown = `The label '${excerpt(label)}' of the DNS name '${excerpt(text)}'`;
  return new NameError('label-too-long', `${shown} is longer than 63 octets.`);
}

// @ts-check
/**
 * Texts of any length that a parser with backtracking, or with a search in a search, takes long for: one character or two again and
 * again, near misses of what clients send, and lists of many different items. Random octets find none of these.
 */

/** @typedef {{ readonly name: string, readonly make: (length: number) => string }} Family */

const CHARACTERS = [...' \t=&%+,;"\'\\/.:-@[]{}()<>*$#~a1\0\u00fc\u00ad\u0300\u4e00'];
const IN_PAIRS = [' ', '=', '&', '%', ',', ';', '"', '\\', '/', '.', ':', '-', '[', 'a', '1', '\r\n'];
const ENDS = ['', 'x', '"', '\0x'];
/** Near misses: parts of what clients send, repeated. */
const UNITS = [
  ...[
    'a=1&',
    'a=&',
    '%41',
    '%3D',
    '%2C',
    '%20',
    '%zz',
    '%c3',
    'a,',
    ' , ',
    '"a",',
    '\\"',
    '";',
    '"\\',
    '=;',
    '; ',
    ' ;',
    '""',
    '"a"b',
  ],
  ...['for=', 'for="', 'for="a;', 'for=1.2.3.4, ', '; name="', '; name=', ';boundary=', 'boundary="', '; filename='],
  ...['1.', '1:', '::', '::1,', '10.0.0.1,', '1.2.3.4/24,', '[::1],', '[::1]:1,', '2001:db8::/64,', 'fe80::1%25a,'],
  ...['a.', 'a.b,', '*.', '_a.', 'xn--a.', 'a-.', '-a', 'A.b ', '\u00fc.', 'YES,', 'auto,', '-,', 'preserve,'],
  ...['{"a":', '[', '{"a":[', '"\\u0041",', '1e', '1,', 'null,', '../', './', '/%5c', '%5c/', '/\\', '//', '?', '?a'],
  ...['%20http', '%20https:/', 'http://', 'https://a/', '$', '${', '$$', '${1', '(', ')', '(\n', ';\n', '\\1', '\\065'],
  ...['a b ', '1h', '1h30m', '-----', '--b\r\n', '\r\n--b', '\r\n\r\n', '\r\n--b\r\n\r\n', 'aa', '00', 'key1=', 'h2,'],
];

/** Lists of different items. @type {Readonly<Record<string, (index: number) => string>>} */
const LISTS = {
  'many parameters': (index) => `n${index}=${index}&`,
  'many empty parameters': (index) => `n${index}&`,
  'many parameters with numbers as names': (index) => `${index * 7}=&`,
  'many values of one parameter': (index) => `hostname=h${index}&`,
  'many own parameters': (index) => `myipv6:h${index}.example.com=::${(index % 0xffff).toString(16)}&`,
  'many hosts': (index) => `h${index}.example.com,`,
  'many labels': (index) => `${index}.`,
  'many IPv4 addresses': (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255},`,
  'many IPv6 addresses': (index) => `2001:db8::${(index % 0xffff).toString(16)},`,
  'many items with spaces': (index) => `${index}  `,
  'many header parameters': (index) => `; p${index}="${index}"`,
  'many hops': (index) => `for="[2001:db8::${(index % 0xffff).toString(16)}]:${index % 65_536}";by=a, `,
  'many JSON keys': (index) => `"k${index}":"${index}",`,
  'many different characters': (index) => String.fromCharCode(0x4e00 + (index % 20_000)),
  'many records': (index) => `h${index} 60 IN A 10.0.${(index >> 8) & 255}.${index & 255}\n`,
  'many records of one name': (index) => `h 60 IN TXT "${index}"\n`,
  'many fields in lines': (index) => `N${index}: ${index}\n`,
  'many types': (index) => `TYPE${index % 65_536} `,
  'many types of one name': (index) => `h 60 IN TYPE${1000 + (index % 60_000)} \\# 1 00\n`,
};

/** @param {string} unit @param {number} length */
const fill = (unit, length) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

/** @param {(index: number) => string} item @param {number} length */
function list(item, length) {
  let text = '';
  for (let index = 0; text.length < length; index++) text += item(index);
  return text.slice(0, length);
}

/** @type {readonly Family[]} */
const SINGLE = CHARACTERS.flatMap((character) =>
  ENDS.map((end) => ({
    name: `${JSON.stringify(character)} again and again, then ${JSON.stringify(end)}`,
    make: (/** @type {number} */ length) => fill(character, length - end.length) + end,
  })),
);

/** @type {readonly Family[]} */
const PAIRS = IN_PAIRS.flatMap((first) =>
  IN_PAIRS.filter((second) => second !== first).map((second) => ({
    name: `${JSON.stringify(first + second)} again and again`,
    make: (/** @type {number} */ length) => `${fill(first + second, length - 1)}x`,
  })),
);

/** @type {readonly Family[]} */
const NEAR_MISSES = UNITS.flatMap((unit) =>
  ['', 'x', '\0'].map((end) => ({
    name: `${JSON.stringify(unit)} again and again, then ${JSON.stringify(end)}`,
    make: (/** @type {number} */ length) => fill(unit, length - end.length) + end,
  })),
);

/** @type {readonly Family[]} */
const MANY = Object.entries(LISTS).map(([name, item]) => ({ name, make: (length) => list(item, length) }));

/** One unit in front, and many others behind, as in `"   …   x`. @type {readonly Family[]} */
const HALVES = ['a', '"', ' ', '.', '='].flatMap((first) =>
  ['a', ' ', '"', ';', ',', '.', ':'].map((second) => ({
    name: `${JSON.stringify(first)} many times, then ${JSON.stringify(second)} many times`,
    make: (/** @type {number} */ length) => {
      const half = Math.floor(length / 2);
      return fill(first, half) + fill(second, length - half);
    },
  })),
);

/** For parsers. @type {readonly Family[]} */
export const ALL_FAMILIES = [...SINGLE, ...PAIRS, ...NEAR_MISSES, ...HALVES, ...MANY];
/** For whole routes, each of which has many places for a text. @type {readonly Family[]} */
export const MAIN_FAMILIES = [...SINGLE.filter((_family, index) => index % ENDS.length < 2), ...NEAR_MISSES, ...MANY];

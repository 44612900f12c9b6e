import { describe, expect, it } from 'vitest';
import { parseHostName } from '../../dns/host-name.ts';
import { AppError } from '../errors.ts';
import { type Instructions, instructionsFor, parseServer } from './device.ts';
import { DEVICE_IDS, DEVICES, findDevice, getDevice } from './devices.ts';
import { crontabCommand, curlText, inadynText, netrcText, routerosText, shellWord, urlText } from './formats.ts';

const REQUEST = { server: 'https://dyndns.example.com', host: 'home.example.com.', tokenName: 'router1' };
/** Every printable character of ASCII. */
const ODD = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index));

function textOf({ sections }: Instructions): string {
  return sections
    .map((section) =>
      section.kind === 'text' ? section.text : section.fields.map(({ name, value }) => `${name}=${value}\n`).join(''),
    )
    .join('');
}

describe.each(DEVICES)('$id', (device) => {
  it('has the host and the secret, sections with ids of their own, and warnings', () => {
    const instructions = instructionsFor(device, { ...REQUEST, secret: 'abcdefgh234567' });
    expect(instructions).toMatchObject({ client: device.id, host: 'home.example.com', token: 'router1' });
    expect(textOf(instructions)).toContain('home.example.com');
    expect(textOf(instructions)).toContain('abcdefgh234567');
    expect(textOf(instructions)).not.toContain('TOKEN ');
    const ids = instructions.sections.map(({ id }) => id);
    expect([new Set(ids).size, ids.every((id) => /^[a-z]+ \S+$/.test(id))]).toEqual([ids.length, true]);
    expect(instructions.warnings.length).toBeGreaterThan(0);
    for (const section of instructions.sections) {
      if (section.kind === 'text') expect(section.text).toMatch(/[^\n]\n$/);
      if (section.kind === 'text' && section.text.includes('abcdefgh234567') && section.file !== undefined) {
        expect(section.mode).toMatch(/^0[67]00$/);
      }
      for (const { text } of section.kind === 'fields' ? section.fields : []) {
        if (text !== undefined) expect(ids).toContain(text);
      }
    }
  });

  it('has placeholders where server and secret are not known, and says so', () => {
    const instructions = instructionsFor(device, { host: 'home.example.com', tokenName: 'router1' });
    expect(textOf(instructions)).toContain('TOKEN');
    expect(textOf(instructions)).toContain('SERVER');
    expect(instructions.warnings[0]).toContain('Replace `SERVER`');
  });

  it('uses the scheme and the port of the server', () => {
    const plain = instructionsFor(device, { ...REQUEST, server: 'http://192.0.2.1:8080/' });
    expect(textOf(plain)).toContain('192.0.2.1:8080');
    if (device.needsHttps) expect(plain.warnings[0]).toContain('HTTPS only');
    else {
      expect(textOf(plain)).not.toMatch(/https:\/\/(?!www)/);
      expect(plain.warnings[0]).toContain('everyone on the path');
    }
  });

  it('says where a token of several names or of one family needs more', () => {
    const several = instructionsFor(device, { ...REQUEST, otherHosts: ['nas.example.com'], types: ['AAAA'] });
    if (device.takesSeveral) expect(textOf(several)).toContain('home.example.com,nas.example.com');
    else expect(several.warnings[0]).toContain('for home.example.com.');
    expect(several.warnings.join()).toContain('may change AAAA only: send the IPv6 address alone');
    expect(instructionsFor(device, { ...REQUEST, types: ['TXT'] }).warnings[0]).toContain('may not change addresses');
  });

  it('is found by its id, its title and its other words, in any spelling', () => {
    for (const word of [device.id, device.title, device.id.toUpperCase(), ...(device.aliases ?? [])]) {
      expect([word, findDevice(word)?.id]).toEqual([word, device.id]);
    }
  });
});

it('an unknown device is refused with the known ones', () => {
  expect(() => getDevice('toaster')).toThrow(AppError);
  expect(() => getDevice('toaster')).toThrow(DEVICE_IDS.join(', '));
  expect(new Set(DEVICE_IDS).size).toBe(DEVICES.length);
  expect(findDevice('')).toBeUndefined();
});

it.each([
  ['https://Dyndns.Example.com/', 'https://dyndns.example.com'],
  ['https://dyndns.example.com:443', 'https://dyndns.example.com'],
  ['http://[2001:DB8::1]:8080', 'http://[2001:db8::1]:8080'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
])('the server %s is %s', (text, url) => expect(parseServer(text)?.url).toBe(url));

it.each([
  'dyndns.example.com',
  'ftp://dyndns.example.com',
  'https://dyndns.example.com/path',
  'https://user:x@dyndns.example.com',
  'https://dyndns.example.com?x',
  'https://dyndns.example.com#x',
  `https://a'b.example.com`,
  'https://a$b.example.com',
  'https://a"b',
  'https://a`id`.example.com',
  'https://',
  `https://${'a'.repeat(600)}`,
])('%s is not a server', (server) => {
  expect(parseServer(server)).toBeUndefined();
  expect(() => instructionsFor(DEVICES[0]!, { ...REQUEST, server })).toThrow("'server' must be a URL without a path");
});

it.each([
  [{ host: '*.example.com' }, 'is a pattern'],
  [{ host: `a'b.example.com` }, 'is invalid'],
  [{ host: '' }, 'empty label'],
  [{ secret: 'with space' }, 'printable ASCII'],
  [{ secret: 'two\nlines' }, 'printable ASCII'],
  [{ secret: '' }, 'printable ASCII'],
  [{ otherHosts: ['*.example.com'] }, 'is a pattern'],
])('%j is refused', (more, text) => {
  expect(() => instructionsFor(DEVICES[0]!, { ...REQUEST, ...more })).toThrow(text);
});

describe('a text in the format of a client', () => {
  it('has every special character of the format escaped', () => {
    expect(shellWord(`a'b$c`)).toBe(`'a'\\''b$c'`);
    expect(curlText(String.raw`a"b\c`)).toBe(String.raw`"a\"b\\c"`);
    expect(inadynText(String.raw`a"b\c$d`)).toBe(String.raw`"a\"b\\c\$d"`);
    expect(inadynText('abc-234.x_y')).toBe('abc-234.x_y');
    expect(routerosText(String.raw`a"b\c$d?`)).toBe(String.raw`"a\"b\\c\$d\?"`);
    expect(netrcText('a b')).toBe('"a b"');
    expect(crontabCommand('date +%F')).toBe(String.raw`date +\%F`);
  });

  it('comes back from a URL, and needs no escape in any other format', () => {
    expect(decodeURIComponent(urlText(ODD))).toBe(ODD);
    expect(urlText(ODD)).toMatch(/^[\w%.~-]+$/);
  });

  it('comes back from JSON and from YAML', () => {
    const [json] = instructionsFor(getDevice('ddns-updater'), { ...REQUEST, secret: ODD }).sections;
    const { settings } = JSON.parse(json?.kind === 'text' ? json.text : '');
    expect(decodeURIComponent(new URL(settings[0].url).password)).toBe(ODD);
  });
});

it('no character of a host name or of a server is special in a format', () => {
  const special = /["'\\$%?#&\s`|;<>(){}]/;
  expect(String(parseHostName('a_b-c.bücher.example'))).not.toMatch(special);
  for (const sign of '"\'\\$%?#&`|;<>(){} ') {
    expect(() => parseHostName(`a${sign}b.example`)).toThrow();
    const parsed = parseServer(`https://a${sign}b.example`);
    expect(parsed === undefined ? '' : parsed.url.slice(8)).not.toMatch(special);
  }
});

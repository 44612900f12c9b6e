/** The files of the dashboard: which coding a browser gets, and what is known by a name. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseCoding, readBuiltFiles } from './built-files.ts';

const BOTH = { br: Buffer.from('b'), gzip: Buffer.from('g') };

describe('RFC 9110 §12.5.3: the coding', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.5, gzip', 'gzip'],
    ['br;q=0, gzip;q=0.1', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip; q=0.000', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['*;q=0, gzip', 'gzip'],
    ['identity', undefined],
    ['identity;q=1, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip', 'gzip'],
    ['deflate', undefined],
    ['gzip;q=x', undefined],
  ])('of %j is %j', (header, expected) => {
    expect(chooseCoding(header, BOTH)).toBe(expected);
  });

  it('is one that there is', () => {
    expect(chooseCoding('br, gzip', { gzip: BOTH.gzip })).toBe('gzip');
    expect(chooseCoding('br, gzip', {})).toBeUndefined();
  });
});

describe('the built files', () => {
  it('are known by their path, with their compressed forms, and hashed names are recognised', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dyndns-ui-'));
    try {
      mkdirSync(join(folder, 'assets'));
      writeFileSync(join(folder, 'index.html'), '<!doctype html>');
      writeFileSync(join(folder, 'assets', 'index-B3dk_2Qx.js'), 'plain');
      writeFileSync(join(folder, 'assets', 'index-B3dk_2Qx.js.gz'), 'zipped');
      writeFileSync(join(folder, 'notes.secret'), 'not served');
      const files = readBuiltFiles(folder);
      expect([...files.keys()].sort()).toEqual(['assets/index-B3dk_2Qx.js', 'index.html']);
      const script = files.get('assets/index-B3dk_2Qx.js')!;
      expect(script).toMatchObject({ isHashed: true, contentType: 'text/javascript; charset=utf-8' });
      expect(script.coded.gzip?.toString()).toBe('zipped');
      expect(script.coded.br).toBeUndefined();
      expect(files.get('index.html')?.isHashed).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { PublishedAddresses } from '../core/zones/publisher.ts';
import { decodeNews, encodeNews } from './published-news.ts';

const published = (A: string[], AAAA: string[] = []): PublishedAddresses => ({
  A: { addresses: A, ttl: A.length > 0 ? 300 : 0 },
  AAAA: { addresses: AAAA, ttl: AAAA.length > 0 ? 60 : 0 },
});

describe('news of published addresses', () => {
  it('come back as they were sent, whatever octets a name has', () => {
    const names = new Map([
      ['\u0001a\u0007example\u0000', published(['192.0.2.1', '192.0.2.2'], ['2001:db8::1'])],
      ['\u0003\u0000\u00ff"\u0000', published([])],
      ['\u0001\\\u0000', published([], ['2001:db8::1'])],
    ]);
    const texts = encodeNews({ apexKey: '\u0007ex\u00e4mple\u0000', names });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^[ -~]+$/);
    expect(decodeNews(texts[0]!)).toEqual({ apexKey: '\u0007ex\u00e4mple\u0000', names });
  });

  it('are as few texts below 8,000 octets as hold all names, and leave out a name that is too long', () => {
    const addresses = Array.from({ length: 8 }, (_, index) => `2001:db8:0:1:2:3:4:${index + 1000}`);
    const names = new Map(
      Array.from({ length: 200 }, (_, index) => [`\u0007h${index}`.padEnd(200, '\u00fe'), published([], addresses)]),
    );
    names.set('x'.repeat(9000), published([]));
    const texts = encodeNews({ apexKey: 'z', names });
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThan(8000);
    const decoded = texts.flatMap((text) => [...decodeNews(text)!.names.keys()]);
    names.delete('x'.repeat(9000));
    expect(decoded).toEqual([...names.keys()]);
    expect(encodeNews({ apexKey: 'z', names: new Map() })).toEqual([]);
  });

  it('of another form are ignored', () => {
    const good = ['z', ['a', ['192.0.2.1'], 300, [], 0]];
    expect(decodeNews(JSON.stringify(good))).toBeDefined();
    const others: unknown[] = [null, 1, 'z', {}, [], [1], ['z', 1], ['z', []], ['z', ['a', [1], 300, [], 0]]];
    others.push(['z', ['a', ['192.0.2.1'], '300', [], 0]], ['z', [1, [], 0, [], 0]], ['z', ['a', {}, 0, [], 0]]);
    for (const other of others) expect(decodeNews(JSON.stringify(other)), JSON.stringify(other)).toBeUndefined();
    for (const text of ['', '[', JSON.stringify(good).slice(0, -1)]) expect(decodeNews(text)).toBeUndefined();
  });
});

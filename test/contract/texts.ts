/**
 * The TXT part of the contract of a zone publisher, through its use-case (src/core/updates/update-texts.ts); called by
 * zone-publisher.ts for every implementation.
 */
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { publishTexts, type TextEdit } from '../../src/core/updates/publish-texts.ts';
import type { Zone } from '../../src/core/zones/zone.ts';
import { DomainName } from '../../src/dns/name.ts';
import type { PublisherFixture } from './zone-publisher.ts';

export function describeTexts(apex: DomainName, fixture: () => PublisherFixture, zone: () => Zone): void {
  describe('TXT values', () => {
    const at = (label: string) => DomainName.parse(label, apex);
    const publish = (label: string, edit: TextEdit, of = zone()) =>
      publishTexts(
        { zone: of, ownerName: at(label), edit, removeAfterSeconds: 60, clock: () => performance.now() },
        performance.now() + 5000,
      );
    const publishedTexts = async (label: string) => {
      const { values } = await fixture().query(at(label).toString(), 'TXT');
      return values.map((text) => text.replaceAll('" "', '').replaceAll('"', ''));
    };
    const add = (text: string): TextEdit => ({ kind: 'add', text });
    const remove = (text: string): TextEdit => ({ kind: 'remove', text });

    it('are added and removed one by one, beside those of other writers', async () => {
      const label = '_acme-challenge.texts';
      await fixture().foreignEdit({ adds: [{ at: label, ttl: 30, type: 'TXT', rdata: '"foreign"' }] });
      await publish(label, add('one'));
      await publish(label, add('two'));
      expect(await publishedTexts(label)).toEqual(['foreign', 'one', 'two']);
      await publish(label, remove('one'));
      expect(await publishedTexts(label)).toEqual(['foreign', 'two']);
      await publish(label, { kind: 'roll', text: 'three', keep: 2 });
      expect(await publishedTexts(label)).toHaveLength(2);
      expect(await publishedTexts(label)).toContain('three');
      await publish(label, { kind: 'clear' });
      expect(await publishedTexts(label)).toEqual([]);
    });

    it('change nothing and leave the serial when they are added or removed a second time', async () => {
      const label = '_acme-challenge.repeat';
      await publish(label, add('one'));
      const serial = await fixture().serial();
      expect(await publish(label, add('one'))).toEqual({ changed: false, texts: ['one'] });
      expect(await publish(label, remove('two'))).toEqual({ changed: false, texts: ['one'] });
      expect(await fixture().serial()).toBe(serial);
    });

    it('written by two publishers concurrently are all published', async () => {
      const label = '_acme-challenge.race';
      const other: Zone = { ...zone(), publisher: fixture().publisher() };
      const texts = Array.from({ length: 8 }, (_, index) => `value${index}`);
      try {
        await Promise.all(
          [zone(), other].map(async (of, which) => {
            for (const text of texts.slice(which * 4, which * 4 + 4)) await publish(label, add(text), of);
          }),
        );
      } finally {
        other.publisher.close();
      }
      expect(await publishedTexts(label)).toEqual(texts);
    });

    it('of 1,024 octets, and with characters that zone files escape', async () => {
      const text = `"\\;() ä ${'x'.repeat(1015)}`;
      expect(Buffer.byteLength(text)).toBe(1024);
      expect(await publish('long', add(text))).toEqual({ changed: true, texts: [text] });
      expect(await publish('long', add(text))).toEqual({ changed: false, texts: [text] });
      expect(await publish('long', remove(text))).toEqual({ changed: true, texts: [] });
    });

    it('below a wildcard: its values are not those of the name', async () => {
      await fixture().foreignEdit({ adds: [{ at: '*.wild-text', ttl: 30, type: 'TXT', rdata: '"wild"' }] });
      expect(await publish('x.wild-text', remove('wild'))).toEqual({ changed: false, texts: [] });
      expect(await publish('x.wild-text', add('own'))).toEqual({ changed: true, texts: ['own'] });
      expect(await publishedTexts('x.wild-text')).toEqual(['own']);
      expect(await publish('_acme-challenge.wild-alias', add('own'))).toEqual({ changed: true, texts: ['own'] });
      expect(await publishedTexts('_acme-challenge.wild-alias')).toEqual(['own']);
    });

    it.each([
      ['alias', /^A CNAME record to 'www\.example\.net\.' is at 'alias\./],
      [
        '_acme-challenge.away',
        /^A CNAME record at '_acme-challenge\.away\..* delegates this challenge to 'x\.example\.net\.'/,
      ],
      ['_acme-challenge.delegated', /would not be seen/],
      // PowerDNS ignores DNAME unless it is configured to process it.
      ['_acme-challenge.moved', /would not be seen|DNAME record or a delegation is in the way/],
    ])('at %s are a conflict with its reason, and nothing is written', async (label, pattern) => {
      if (label === '_acme-challenge.away') {
        await fixture().foreignEdit({ adds: [{ at: label, ttl: 30, type: 'CNAME', rdata: 'x.example.net.' }] });
      }
      const serial = await fixture().serial();
      const error = await publish(label, add('one')).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'conflict', message: expect.stringMatching(pattern) });
      expect(await fixture().serial()).toBe(serial);
    });
  });
}

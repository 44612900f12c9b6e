/** The contract of a store: Tokens (TokenStore). */
import { describe, expect, it } from 'vitest';
import { tokenSha256 } from '../../src/core/access/token.ts';
import type { Store } from '../../src/core/store.ts';
import { parseIpPrefix } from '../../src/dns/address.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { NOW_MS, nameOf, newToken, plain } from './store-fixtures.ts';

export function describeTokenStore(store: () => Store): void {
  describe('tokens', () => {
    it('finds a token by the SHA-256 of its secret, with all fields', async () => {
      const token = newToken({
        hosts: [nameOf('Home.example.com'), nameOf('*.lab.example.com'), nameOf('a\\032b\\.c.example.com')],
        types: [RRType.TXT, RRType.A],
        addresses: [parseIpPrefix('198.51.100.0/24')!, parseIpPrefix('2001:db8::/32')!],
        sources: [parseIpPrefix('203.0.113.0/24')!, parseIpPrefix('2001:db8:1::/48')!],
        expires: '2027-12-31',
        register: true,
        maxUnusedDays: 90,
      });
      expect(await store().tokens.create(token)).toBe('created');
      expect(plain(await store().tokens.findBySha256(token.sha256))).toEqual(plain(token));
      for (const addresses of ['any', 'own'] as const) {
        const simple = newToken({ addresses });
        await store().tokens.create(simple);
        expect(plain(await store().tokens.findBySha256(simple.sha256))).toEqual(plain(simple));
      }
    });

    it('does not find a token of an unknown secret, and finds it once it is created', async () => {
      const token = newToken();
      for (let round = 0; round < 3; round += 1) {
        expect(await store().tokens.findBySha256(token.sha256)).toBeUndefined();
      }
      await store().tokens.create(token);
      expect(await store().tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id });
    });

    it('finds several tokens at once, in the order of the secrets, also revoked ones and none', async () => {
      const [one, two, revoked] = [newToken(), newToken(), newToken()];
      for (const token of [one, two, revoked]) await store().tokens.create(token);
      await store().tokens.revoke(revoked.name, NOW_MS);
      const none = Array.from({ length: 3 }, (_, index) => tokenSha256(`none ${index} of ${one.name}`));
      const secrets = [none[0]!, two.sha256, none[1]!, revoked.sha256, one.sha256, none[2]!];
      for (let round = 0; round < 2; round += 1) {
        const found = await store().tokens.findAllBySha256(secrets);
        expect(found.map((token) => token?.id)).toEqual([undefined, two.id, undefined, revoked.id, one.id, undefined]);
        expect(plain(found[1])).toEqual(plain(two));
        expect(found[3]?.revokedMs).toBe(NOW_MS);
      }
      expect((await store().tokens.findAllBySha256([one.sha256])).map((token) => token?.id)).toEqual([one.id]);
      expect(await store().tokens.findAllBySha256([])).toEqual([]);
      await store().tokens.revoke(one.name, NOW_MS);
      expect((await store().tokens.findAllBySha256(secrets))[4]?.revokedMs).toBe(NOW_MS);
    });

    it('returns a cached token without a query, and never one from before a change', async () => {
      const token = newToken();
      await store().tokens.create(token);
      await expect
        .poll(async () => {
          await store().tokens.findBySha256(token.sha256);
          return store().tokens.cachedBySha256(token.sha256)?.id;
        })
        .toBe(token.id);
      expect(store().tokens.cachedBySha256(tokenSha256(`unknown to ${token.name}`))).toBeUndefined();
      await store().tokens.revoke(token.name, NOW_MS);
      const cached = store().tokens.cachedBySha256(token.sha256);
      if (cached !== undefined) expect(cached.revokedMs).toBe(NOW_MS);
    });

    it('refuses a second valid token of the same name, and a second token of the same secret', async () => {
      const token = newToken();
      const again = newToken({ name: token.name });
      expect(await store().tokens.create(token)).toBe('created');
      expect(await store().tokens.create(again)).toBe('name-taken');
      expect(await store().tokens.create(newToken({ sha256: token.sha256 }))).toBe('secret-taken');
      expect(await store().tokens.findBySha256(again.sha256)).toBeUndefined();
      await store().tokens.revoke(token.name, NOW_MS);
      expect(await store().tokens.create(again)).toBe('created');
      expect(await store().tokens.create(newToken({ sha256: token.sha256 }))).toBe('secret-taken');
    });

    it('revokes a token at once but still lists it, so that the history can refer to its name', async () => {
      const token = newToken();
      await store().tokens.create(token);
      expect((await store().tokens.findBySha256(token.sha256))?.revokedMs).toBeUndefined();
      expect(await store().tokens.revoke(token.name, NOW_MS + 5)).toBe('revoked');
      expect(await store().tokens.findBySha256(token.sha256)).toMatchObject({ id: token.id, revokedMs: NOW_MS + 5 });
      expect(await store().tokens.revoke(token.name, NOW_MS + 6)).toBe('unknown');
      expect(await store().tokens.revoke('no such token', NOW_MS)).toBe('unknown');
      expect((await store().tokens.list()).find(({ id }) => id === token.id)?.revokedMs).toBe(NOW_MS + 5);
    });

    it('rotates a secret: the old one is invalid at once, and all other fields stay', async () => {
      const token = newToken({ expires: '2027-01-01', register: true, maxUnusedDays: 7 });
      const sha256 = tokenSha256(`rotated ${token.name}`);
      await store().tokens.create(token);
      expect(await store().tokens.findBySha256(token.sha256)).toBeDefined();
      expect(await store().tokens.findBySha256(sha256)).toBeUndefined();
      expect(plain(await store().tokens.rotate(token.name, sha256))).toEqual(plain({ ...token, sha256 }));
      expect(await store().tokens.findBySha256(token.sha256)).toBeUndefined();
      expect(await store().tokens.findBySha256(sha256)).toMatchObject({ id: token.id });
      await store().tokens.revoke(token.name, NOW_MS);
      expect(await store().tokens.rotate(token.name, tokenSha256('x'))).toBeUndefined();
      expect(await store().tokens.rotate('no such token', tokenSha256('y'))).toBeUndefined();
    });

    it('lists tokens by name and then by age, with their last use', async () => {
      const [old, young, other] = [
        newToken({ name: 'zz-one' }),
        newToken({ name: 'zz-one' }),
        newToken({ name: 'zz' }),
      ];
      await store().tokens.create(old);
      await store().tokens.revoke('zz-one', NOW_MS);
      await store().tokens.create(young);
      await store().tokens.create(other);
      await store().tokens.touchLastUsed([
        { tokenId: young.id, lastUsedMs: NOW_MS + 20 },
        { tokenId: young.id, lastUsedMs: NOW_MS + 10 },
        { tokenId: 'not in the store', lastUsedMs: NOW_MS },
      ]);
      await store().tokens.touchLastUsed([{ tokenId: young.id, lastUsedMs: NOW_MS }]);
      await store().tokens.touchLastUsed([]);
      expect((await store().tokens.list()).find(({ id }) => id === other.id)).not.toHaveProperty('register');
      const listed = (await store().tokens.list()).filter(({ name }) => name.startsWith('zz'));
      expect(listed.map(({ id, lastUsedMs }) => [id, lastUsedMs])).toEqual([
        [other.id, undefined],
        [old.id, undefined],
        [young.id, NOW_MS + 20],
      ]);
      const many = Array.from({ length: 200 }, (_, index) => ({
        tokenId: `file-${index}`,
        lastUsedMs: NOW_MS + index,
      }));
      await store().tokens.touchLastUsed(many);
      const tokenIds = [young.id, other.id, ...many.map(({ tokenId }) => tokenId)];
      expect(await store().tokens.lastUses(tokenIds)).toEqual(
        new Map([[young.id, NOW_MS + 20], ...many.map(({ tokenId, lastUsedMs }) => [tokenId, lastUsedMs] as const)]),
      );
      expect(await store().tokens.lastUses([])).toEqual(new Map());
    });

    it('counts the valid tokens whose name starts with a prefix, case-sensitively', async () => {
      expect(await store().tokens.countNamed('count_me-')).toBe(0);
      const names = ['count_me-1', 'count_me-2', 'count_me-3', 'Count_me-4', 'countXme-5', 'count_me', 'a count_me-'];
      for (const name of names) await store().tokens.create(newToken({ name }));
      await store().tokens.revoke('count_me-2', NOW_MS);
      expect(await store().tokens.countNamed('count_me-')).toBe(2);
    });

    it('creates one token when several callers use the same name at the same time', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => store().tokens.create(newToken({ name: 'wanted by many' }))),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'name-taken')).toHaveLength(7);
    });
  });
}

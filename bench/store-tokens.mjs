// @ts-check
/** A token for each host, in the store of a server that is measured. */
import { createHash } from 'node:crypto';
import { ZONE } from './lab.mjs';

/** @typedef {import('#dist/core/store.js').Store} Store */
/** @typedef {import('#dist/dns/name.js').DomainName} DomainName */

/** The secret of the token of host number `n`. @param {number} n */
export function secretOf(n) {
  return `token-of-host-${n}-0123456789abcdef`;
}

/**
 * Creates the tokens of the hosts `h0`, `h1`, …, each for its host alone.
 * @param {string} url of a store @param {number} hosts
 * @param {(store: Store, ownerName: DomainName) => Promise<unknown>} [also] what else each host needs
 */
export async function fillTokens(url, hosts, also) {
  const { DomainName } = await import('#dist/dns/name.js');
  const { openStore } = await import('#dist/store/open-store.js');
  const store = await openStore(url);
  // SQLite commits all waiting writes at once; PostgreSQL has ten connections, and a write waits for one only briefly.
  const step = url.startsWith('sqlite:') ? 1000 : 5;
  for (let at = 0; at < hosts; at += step) {
    const numbers = Array.from({ length: Math.min(step, hosts - at) }, (_, i) => at + i);
    await Promise.all(
      numbers.flatMap((n) => {
        const ownerName = DomainName.parse(`h${n}.${ZONE}`);
        const sha256 = createHash('sha256').update(secretOf(n)).digest('hex');
        const token = {
          id: `t${n}`,
          name: `t${n}`,
          sha256,
          hosts: [ownerName],
          types: [1, 28],
          addresses: /** @type {const} */ ('any'),
          createdMs: 1,
        };
        return [store.tokens.create(token), also?.(store, ownerName)];
      }),
    );
  }
  await store.close();
}

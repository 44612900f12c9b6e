/** Finds the zone that a question belongs to by octets, without text. */
import { areEqualNames, NameHashes } from '../zone/name-hash.ts';
import type { AnswerableZone } from './answerable.ts';
import { HEADER_OCTETS } from './dns-service.ts';

export interface QuestionZone {
  readonly zone: AnswerableZone;
  /** The apex in canonical form (RFC 4034 §6.2): the signer's name. */
  readonly signer: Uint8Array;
}

export class QuestionZones {
  /** Of the name that `read` read last. */
  readonly names = new NameHashes();
  /** By the hash of their apex. */
  readonly #byHash = new Map<number, QuestionZone[]>();

  /** @param zones all that this server has */
  constructor(zones: Iterable<AnswerableZone>) {
    for (const zone of zones) {
      this.names.read(zone.apex.octets, 0);
      const hash = this.names.hashes[0]!;
      const found = { zone, signer: Buffer.from(zone.apex.key, 'latin1') };
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), found]);
    }
  }

  /** Reads QNAME. @returns the offset of its end; -1 as NameHashes */
  read(query: Uint8Array): number {
    return this.names.read(query, HEADER_OCTETS);
  }

  /** The zone of the name that `read` read last. @param nameEnd as `read` returned it */
  find(query: Uint8Array, nameEnd: number): QuestionZone | undefined {
    const { count, starts, hashes } = this.names;
    for (let label = 0; label < count; label++) {
      const found = this.#byHash.get(hashes[label]!);
      if (found === undefined) continue;
      for (const each of found) {
        const { octets } = each.zone.apex;
        const start = starts[label]!;
        if (nameEnd - start === octets.length && areEqualNames(query, start, octets, 0, octets.length)) return each;
      }
    }
    return undefined;
  }
}

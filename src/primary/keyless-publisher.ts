/**
 * The publisher of a zone for a command that cannot read the zone's TSIG key: what needs no signature works, everything
 * else fails with the reason. A server never has one: it does not start without its keys.
 */
import { AppError } from '../core/errors.ts';
import type { PublishedAddresses, PublishOutcome, ReadOutcome, ZonePublisher } from '../core/zones/publisher.ts';
import type { DomainName } from '../dns/name.ts';
import type { RRset } from '../dns/rrset.ts';

export class KeylessPublisher implements ZonePublisher {
  readonly #reader: ZonePublisher;
  readonly #problem: string;
  readonly #signsReads: boolean;

  /**
   * @param reader its publisher, with any key
   * @param problem why the key is missing, a sentence
   */
  constructor(reader: ZonePublisher, problem: string, signsReads: boolean) {
    this.#reader = reader;
    this.#problem = problem;
    this.#signsReads = signsReads;
  }

  recall(): PublishedAddresses | undefined {
    return undefined;
  }

  async read(ownerName: DomainName, deadlineMs: number): Promise<ReadOutcome> {
    if (this.#signsReads) throw this.#missingKey();
    return this.#reader.read(ownerName, deadlineMs);
  }

  async readRRset(ownerName: DomainName, type: number, deadlineMs: number): Promise<RRset | undefined> {
    if (this.#signsReads) throw this.#missingKey();
    return this.#reader.readRRset(ownerName, type, deadlineMs);
  }

  async publish(): Promise<PublishOutcome> {
    throw this.#missingKey();
  }

  close(): void {
    this.#reader.close();
  }

  #missingKey(): AppError {
    return new AppError('primary-key-rejected', `This command has no TSIG key for the zone: ${this.#problem}`);
  }
}

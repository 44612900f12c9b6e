/** Contract: where TXT values that this server wrote are stored. See core/store.ts for durability and errors. */
import type { DomainName } from '../../dns/name.ts';

/** A value that was written here, or may have been. */
export interface StoredText {
  readonly ownerName: DomainName;
  readonly text: string;
  /** Milliseconds since 1970, as every `…Ms` here. Different for the values of one name. */
  readonly addedMs: number;
  readonly removeAtMs: number;
}

export interface TextStore {
  /** Keeps a value, in place of the same one at the same name. */
  put(text: StoredText): Promise<void>;

  /** The values at a name, the oldest first. */
  at(ownerName: DomainName): Promise<readonly StoredText[]>;

  /**
   * Takes values that are to be removed by now, the most overdue first. They get `untilMs` as their time, so that nobody
   * else is given them until then.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly StoredText[]>;

  /** Forgets values at a name; those that are not kept are passed over. */
  remove(ownerName: DomainName, texts: readonly string[]): Promise<void>;
}

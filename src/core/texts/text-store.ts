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
  /** Stores a value; it replaces the same value at the same name. */
  put(text: StoredText): Promise<void>;

  /** The values at a name, the oldest first. */
  at(ownerName: DomainName): Promise<readonly StoredText[]>;

  /**
   * Takes values whose time to be removed has come, the most overdue first. Their time becomes `untilMs`, so that no other
   * process gets them until then.
   */
  takeDue(nowMs: number, untilMs: number, limit: number): Promise<readonly StoredText[]>;

  /** Removes values at a name; ignores those that are not stored. */
  remove(ownerName: DomainName, texts: readonly string[]): Promise<void>;
}

/** What one batch creates, and its errors: each names the entry of the input and the field. */
import type { HostToken } from '../access/token.ts';
import type { ConflictReason, CustomerConflict, CustomerKind, GivenHost } from '../customers.ts';
import { AppError, type FieldError, InputError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import type { User } from '../users/user.ts';

/** An entry of the transaction, and the field of the input that it comes from. */
export interface Placed<Item> {
  readonly item: Item;
  readonly pointer: string;
}

/** What one transaction creates. */
export interface BatchPlan {
  readonly users: readonly Placed<User>[];
  readonly hosts: readonly Placed<HostSettings>[];
  readonly given: readonly Placed<GivenHost>[];
  readonly tokens: readonly Placed<HostToken>[];
}

/** Of one reply. */
const MAX_ERRORS = 100;

const LISTS: Readonly<Record<CustomerKind, keyof BatchPlan>> = {
  user: 'users',
  host: 'hosts',
  given: 'given',
  token: 'tokens',
};

export function conflictError(conflicts: readonly CustomerConflict[], plan: BatchPlan): AppError {
  // 160 random bits do not come twice: the source of randomness is broken.
  if (conflicts.some(({ why }) => why === 'secret-taken')) {
    return new AppError('internal', 'A new secret exists already.');
  }
  const errors = conflicts.slice(0, MAX_ERRORS).map(({ kind, index, why }): FieldError => {
    const { item, pointer } = plan[LISTS[kind]][index]!;
    return { pointer, detail: CONFLICTS[why](kind, nameOf(item)) };
  });
  const isQuota = conflicts.every(({ why }) => why === 'quota');
  const [first] = errors;
  return new InputError(
    errors,
    `Nothing was created: ${first!.pointer}: ${first!.detail}`,
    isQuota ? 'quota-exceeded' : 'conflict',
  );
}

const CONFLICTS: Readonly<Record<ConflictReason, (kind: CustomerKind, name: string) => string>> = {
  exists: (kind, name) =>
    kind === 'host'
      ? `The host '${name}' has settings already, or is in the list twice.`
      : `There is a ${kind} '${name}' already, or it is in the list twice.`,
  changed: (_, name) => `The settings of '${name}' were changed meanwhile. Try again.`,
  'secret-taken': () => 'A new secret exists already.',
  'owner-unknown': () => 'The owner was removed meanwhile.',
  quota: (_, name) => `With '${name}' the owner would have more than the quota. An admin can raise it.`,
};

function nameOf(item: User | HostSettings | GivenHost | HostToken): string {
  if ('after' in item) return item.after.ownerName.toString();
  return 'ownerName' in item ? item.ownerName.toString() : item.name;
}

/** Collects errors of several entries. */
export class EntryErrors {
  readonly #errors: FieldError[] = [];

  add(pointer: string, detail: string): void {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push({ pointer, detail });
  }

  /** Collects what `check` throws about an entry at this place. @param name where its name is, which may be in no zone */
  within(pointer: string, name: string, check: () => void): void {
    try {
      check();
    } catch (error) {
      if (error instanceof InputError) {
        for (const each of error.errors) this.add(`${pointer}${each.pointer}`, each.detail);
      } else if (error instanceof AppError && error.code === 'name-invalid') {
        this.add(`${pointer}${name}`, error.message);
      } else throw error;
    }
  }

  throwIfAny(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    throw new InputError([...this.#errors], `Nothing was created: ${first.pointer}: ${first.detail}`);
  }
}

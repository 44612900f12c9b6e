/**
 * Decides when a secondary is worth a notice: when its problem lasts, and when it has recovered after that. One notice for each
 * problem, however its words change.
 */
import type { DomainName } from '../../dns/name.ts';
import type { SecondaryCondition, SecondaryStateKind } from './secondary-track.ts';

export interface SecondaryFacts {
  readonly apex: DomainName;
  /** Its address and port. */
  readonly secondary: string;
  readonly condition: SecondaryCondition;
  /** The serial that it has; undefined: not known. */
  readonly serial: number | undefined;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

export interface SecondaryChange extends SecondaryFacts {
  readonly kind: 'trouble' | 'recovered';
}

const PATIENCE_MS = 60_000;
/** While commits keep coming no secondary is ever up to date: one that is behind for less has recovered as well. */
const FOLLOWS_MS = 10_000;
/** A secondary without NOTIFY asks when its timers say so (SOA REFRESH): it is behind for so long by design. */
const WITHOUT_NOTIFY_MS = 2 * 3_600_000;

/** How long a state may last without a notice; undefined: it is none that needs one. */
function patienceOf(state: SecondaryStateKind, isNotified: boolean): number | undefined {
  switch (state) {
    case 'unknown':
    case 'up-to-date':
    case 'sent':
      return undefined;
    // It had its time already.
    case 'refused':
      return 0;
    case 'behind':
      return isNotified ? PATIENCE_MS : WITHOUT_NOTIFY_MS;
    case 'ahead':
    case 'not-answering':
    case 'not-serving':
      return PATIENCE_MS;
  }
}

export class SecondaryAlarm {
  readonly #notice: (change: SecondaryChange) => void;
  #isOn = false;

  constructor(notice: (change: SecondaryChange) => void) {
    this.#notice = notice;
  }

  /** @param isNotified whether the secondary gets NOTIFY */
  check(facts: SecondaryFacts, isNotified: boolean): void {
    const { state, sinceMs } = facts.condition;
    const patienceMs = patienceOf(state, isNotified);
    const lastsMs = facts.timeMs - sinceMs;
    const follows = state === 'up-to-date' || (state === 'behind' && lastsMs < FOLLOWS_MS);
    if (!this.#isOn && patienceMs !== undefined && lastsMs >= patienceMs) {
      this.#isOn = true;
      this.#notice({ ...facts, kind: 'trouble' });
    } else if (this.#isOn && follows) {
      this.#isOn = false;
      this.#notice({ ...facts, kind: 'recovered' });
    }
  }
}

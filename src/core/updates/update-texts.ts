/**
 * The use-case behind every protocol for TXT records, which serve DNS-01 of ACME (RFC 8555 §8.4): a name has several values,
 * which are added and removed one by one (publish-texts.ts).
 */
import type { DomainName } from '../../dns/name.ts';
import { RRType } from '../../dns/rdata.ts';
import { challengeSubject } from '../access/acme-challenge.ts';
import { unknownName } from '../access/authorize.ts';
import { scopeCovers } from '../access/name-scope.ts';
import type { RequestContext } from '../access/request-context.ts';
import { tokenCovers } from '../access/token.ts';
import { scopeNamesText } from '../access/zone-owner-names.ts';
import { AppError } from '../errors.ts';
import type { Zone } from '../zones/zone.ts';
import { publishTexts, type TextEdit, type TextLog, type TextUpdateResult } from './publish-texts.ts';
import type { UpdateQueue } from './update-queue.ts';
import type { UpdateRecord } from './update-record.ts';

export interface TextUpdate {
  readonly zone: Zone;
  readonly ownerName: DomainName;
  readonly edit: TextEdit;
  /** The name always is that of a challenge (acme-dns): a token of TXT alone may write it as well. */
  readonly isChallenge?: boolean;
}

export interface UpdateTextsOptions {
  readonly queue: UpdateQueue;
  readonly record: UpdateRecord;
  readonly log?: TextLog | undefined;
  /** Seconds after which a value is removed. */
  readonly removeAfterSeconds: (zone: Zone) => number;
}

const MAX_OCTETS = 1024;

export class UpdateTexts {
  readonly #options: UpdateTextsOptions;

  constructor(options: UpdateTextsOptions) {
    this.#options = options;
  }

  /**
   * Checks everything, then changes the TXT records of one name.
   * @throws AppError not-permitted, host-disabled, name-invalid, request-malformed, rate-limited, conflict, contended, primary-*,
   *   publish-unknown
   */
  async run(update: TextUpdate, context: RequestContext): Promise<TextUpdateResult> {
    await this.check(update, context);
    return this.publish(update, context);
  }

  /** Checks everything that can be checked without the primary. A failure is counted and recorded. @throws AppError */
  async check(update: TextUpdate, context: RequestContext): Promise<void> {
    const { zone, ownerName, edit } = update;
    const { record } = this.#options;
    try {
      authorizeText(update, context);
      await record.settings(challengeSubject(ownerName) ?? ownerName, context, zone, ownerName);
      checkTextName(zone, ownerName);
      if ('text' in edit) checkText(edit.text);
    } catch (error) {
      record.failed(ownerName, context, error);
      throw error;
    }
  }

  /** Publishes an update that was checked, in the order of its name. What happens is counted and recorded. */
  publish(update: TextUpdate, context: RequestContext): Promise<TextUpdateResult> {
    const { zone, ownerName, edit } = update;
    const { queue, record, log, removeAfterSeconds } = this.#options;
    const { clock } = queue;
    const changeRefused = record.changeRefused(context);
    const publication = {
      zone,
      ownerName,
      edit,
      log,
      removeAfterSeconds: removeAfterSeconds(zone),
      changeRefused,
      clock,
    };
    const task = async (deadlineMs: number) => {
      try {
        const result = await publishTexts(publication, deadlineMs);
        if (result.changed) record.changed(ownerName, context, { detail: describe(edit) });
        record.succeeded(context, result.changed);
        return result;
      } catch (error) {
        record.failed(ownerName, context, error);
        throw error;
      }
    };
    try {
      return queue.run([ownerName], task);
    } catch (error) {
      record.failed(ownerName, context, error);
      return Promise.reject(error);
    }
  }
}

/** @throws AppError not-permitted */
function authorizeText({ zone, ownerName, isChallenge }: TextUpdate, { principal }: RequestContext): void {
  if (principal.kind === 'master') return;
  const { token } = principal;
  const covered =
    tokenCovers(token, ownerName, RRType.TXT) ||
    (isChallenge === true && token.types.includes(RRType.TXT) && scopeCovers(token.hosts, ownerName));
  if (!covered || !scopeNamesText(token.hosts, zone, ownerName)) throw unknownName(ownerName, principal, zone);
}

/** @throws AppError name-invalid */
function checkTextName(zone: Zone, ownerName: DomainName): void {
  const subject = challengeSubject(ownerName) ?? ownerName;
  if (zone.reserved.has(subject.key)) throw new AppError('name-invalid', `The name '${subject}' is reserved.`);
  if (ownerName.equals(zone.apex) && !zone.apexAllowed) {
    throw new AppError(
      'name-invalid',
      `The zone's own name '${ownerName}' may not be changed; the option 'apex: true' of the zone allows it.`,
    );
  }
  if (ownerName.isWildcard) {
    throw new AppError('name-invalid', `'${ownerName}' is a wildcard: the challenge of DNS-01 is without '*.'.`);
  }
}

/** @throws AppError request-malformed */
function checkText(text: string): void {
  const octets = Buffer.byteLength(text);
  if (octets > 0 && octets <= MAX_OCTETS && !/[\p{Cc}\p{Cs}]/u.test(text)) return;
  throw new AppError(
    'request-malformed',
    `The text of a TXT record must have 1 to ${MAX_OCTETS} octets of UTF-8 without control characters.`,
  );
}

/** For the history. The values are public for a minute, and of no use later. */
function describe({ kind }: TextEdit): string {
  return kind === 'remove' || kind === 'clear' ? 'TXT removed' : 'TXT added';
}

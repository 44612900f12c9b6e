/** Common to all protocols whose requests name hosts: the change of their addresses, and a reply line for each. */

import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError } from '../../core/errors.ts';
import type { AddressChoice, CheckedUpdate } from '../../core/updates/prepare-update.ts';
import { hasPrivateAddress } from '../../core/updates/update-addresses.ts';
import type { HostUpdated } from '../../core/updates/update-host.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { DomainName } from '../../dns/name.ts';
import { findUserName } from './credentials.ts';
import type { DoorReply, DoorRequest, Services } from './door.ts';
import { findHost } from './requested-host.ts';
import { namesHostOrAddress } from './update-parameters.ts';

/** Seconds. */
const DEFAULT_TTL = 60;

/**
 * Changes the addresses of a host, if the credential covers it.
 * @param choose see HostUpdate
 * @throws AppError
 */
export async function changeHost(
  ownerName: DomainName,
  choose: (zone: Zone) => AddressChoice,
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates'>,
): Promise<HostUpdated> {
  const { zone, families } = findHost(ownerName, context.principal, services);
  const update = { zone, ownerName, families, fallbackTtl: DEFAULT_TTL, choose };
  return requireMoved(await services.updates.run(update, context));
}

/** @throws AppError conflict where a prefix alone has moved nothing: that is not a success */
export function requireMoved(updated: HostUpdated): HostUpdated {
  const { choice, result } = updated;
  if (choice.prefix === undefined || choice.prefix4 !== undefined || Object.keys(choice.wanted).length > 0)
    return updated;
  if (result.AAAA.after.length > 0 || result.members.length > 0) return updated;
  throw new AppError('conflict', `'${result.ownerName}' has no AAAA record that could move into the prefix.`);
}

/** A request for one host. */
export interface HostRequest {
  /** The host, or throws name-invalid. */
  readonly find: () => DomainName;
  /** See changeHost. */
  readonly choose: (zone: Zone) => AddressChoice;
}

/** The result for one host. */
export type HostAnswer =
  | { readonly kind: 'done'; readonly updated: HostUpdated }
  | { readonly kind: 'failed'; readonly error: AppError };

/**
 * Changes each host, even where others fail: hosts of one zone as one change, without those that a rule refuses.
 * @param isGeneral an error that concerns more than one host is the whole reply. Hosts that were changed already are
 *   confirmed when the client retries.
 * @throws AppError where it is general
 */
export async function changeHosts(
  requests: readonly HostRequest[],
  context: RequestContext,
  services: Services,
  isGeneral: (error: AppError) => boolean,
): Promise<readonly HostAnswer[]> {
  const checks = requests.map(({ find, choose }) => checkHost(find, choose, context, services));
  const checked = await Promise.allSettled(checks);
  const updates = checked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const published = await services.updates.publishAll(updates, context);
  let next = 0;
  const answers = checked.map((one): HostAnswer | { readonly kind: 'broken'; readonly error: unknown } => {
    try {
      if (one.status === 'rejected') throw one.reason;
      const result = published[next++]!;
      if (result.status === 'rejected') throw result.reason;
      return { kind: 'done', updated: requireMoved(result.value) };
    } catch (error) {
      if (!(error instanceof AppError)) return { kind: 'broken', error };
      // An error that is the whole reply is counted by the app.
      if (isGeneral(error)) return { kind: 'broken', error };
      const refusal = services.record.refuse(error, context);
      return { kind: isGeneral(refusal) ? 'broken' : 'failed', error: refusal };
    }
  });
  return answers.map((answer) => {
    if (answer.kind === 'broken') throw answer.error;
    return answer;
  });
}

/** @throws AppError */
async function checkHost(
  find: () => DomainName,
  choose: HostRequest['choose'],
  context: RequestContext,
  services: Pick<Services, 'zones' | 'updates'>,
): Promise<CheckedUpdate> {
  const host = findHost(find(), context.principal, services);
  return services.updates.check({ ...host, fallbackTtl: DEFAULT_TTL, choose }, context);
}

/** The reply with the line of one host. */
export function replyToHost(updated: HostUpdated, line: string): DoorReply {
  const { result, changed } = updated;
  const outcome = changed ? 'updated' : 'unchanged';
  const reply = { status: 200, body: `${line}\n`, outcome, detail: `${result.ownerName} ${line}` } as const;
  return publishesPrivate(updated) ? { ...reply, isPrivate: true } : reply;
}

function publishesPrivate({ result, choice }: HostUpdated): boolean {
  return choice.isDryRun !== true && hasPrivateAddress(result);
}

/** The reply with one line for each host. @param lineOf without the line feed */
export function replyToHosts(
  answers: readonly HostAnswer[],
  lineOf: (answer: HostAnswer, index: number) => string,
): DoorReply {
  const lines = answers.map(lineOf);
  const error = answers.flatMap((answer) => (answer.kind === 'failed' ? [answer.error] : []))[0];
  const updates = answers.flatMap((answer) => (answer.kind === 'done' ? [answer.updated] : []));
  const details = answers.map((answer, index) =>
    answer.kind === 'done'
      ? `${answer.updated.result.ownerName} ${lines[index]}`
      : `${lines[index]} (${answer.error.logText})`,
  );
  return {
    status: 200,
    body: lines.map((line) => `${line}\n`).join(''),
    outcome: updates.some(({ changed }) => changed) ? 'updated' : error === undefined ? 'unchanged' : 'failed',
    detail: details.join('\n'),
    ...(error === undefined ? {} : { error }),
    isPrivate: updates.some(publishesPrivate),
  };
}

/** The addresses for the reply: those that were requested; where none was, those that are published. */
export function replyAddresses(updated: HostUpdated): readonly string[] {
  const { A, AAAA, members } = updated.result;
  const { wanted, prefix, prefix4 } = updated.choice;
  const namesA = wanted.A !== undefined || prefix4 !== undefined;
  const namesAAAA = wanted.AAAA !== undefined || prefix !== undefined;
  const own = namesA === namesAAAA ? [...A.after, ...AAAA.after] : namesA ? A.after : AAAA.after;
  // Some clients take a success without an address for a failure: a host without one shows one of its members'.
  return own.length > 0 ? own : (members[0]?.AAAA.after ?? []);
}

/** Whether a request to a path with another use, like `/`, is an update: it has a host or an address, also as Basic user. */
export function isUpdate({ parameters, headers }: Pick<DoorRequest, 'parameters' | 'headers'>): boolean {
  if (namesHostOrAddress(parameters)) return true;
  const user = findUserName(headers) ?? '';
  return user.includes('.') && !/[\s@]/.test(user);
}

/** Without the final dot, as clients write names. */
export function plainName(ownerName: DomainName): string {
  return ownerName.toString().replace(/\.$/, '');
}

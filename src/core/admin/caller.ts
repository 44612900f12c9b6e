/** Who calls an operation of the administration, and with what besides its input. */
import type { IpAddress } from '../../dns/address.ts';
import { AppError } from '../errors.ts';
import type { UserCredential } from '../users/credential.ts';
import type { User } from '../users/user.ts';
import type { NormalInput, OperationName, Result } from './operations.ts';

export type AdminCaller =
  /** Whoever can open the control socket, or runs a command on this machine. */
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'user';
      readonly user: User;
      readonly credential: UserCredential;
      /** Where the request comes from, if that is known. */
      readonly source: IpAddress | undefined;
      readonly userAgent: string;
    }
  /** A browser that is not signed in. */
  | { readonly kind: 'anonymous'; readonly source: IpAddress | undefined; readonly userAgent: string };

export const OPERATOR_CALLER: AdminCaller = { kind: 'operator' };

export type IdentifiedCaller = Exclude<AdminCaller, { kind: 'anonymous' }>;

/** The dispatcher lets no other ask for an operation that needs one. @throws AppError not-authenticated */
export function identified(caller: AdminCaller): IdentifiedCaller {
  if (caller.kind !== 'anonymous') return caller;
  throw new AppError('not-authenticated', 'You are not signed in.');
}

/** The dispatcher lets no operator ask for what is about the user who asks. @throws AppError request-malformed */
export function userCaller(caller: AdminCaller): Extract<AdminCaller, { kind: 'user' }> {
  if (caller.kind === 'user') return caller;
  throw new AppError('request-malformed', 'This operation is about the user who asks.');
}

/** A user who is not an admin: what belongs to others is hidden. */
export type Member = Extract<AdminCaller, { kind: 'user' }>;

export function asMember(caller: AdminCaller): Member | undefined {
  return caller.kind === 'user' && caller.user.role === 'member' ? caller : undefined;
}

/** The browser that a request comes from: what it keeps for later requests. */
export interface Browser {
  /** See browserMark; undefined: it is new here. */
  readonly mark: string | undefined;
  setMark(mark: string): void;
  /** @param endsMs milliseconds since 1970 */
  setSession(secret: string, endsMs: number): void;
  endSession(): void;
}

export interface CallContext {
  readonly caller: AdminCaller;
  /** The body of an operation that has one beside its input: pieces of a zone file. */
  readonly body: AsyncIterable<string>;
  /** Absent: the request comes from no browser. */
  readonly browser?: Browser | undefined;
  /** The entity tags of `If-Match`, without their quotes; undefined: any, or no such header. */
  readonly ifMatch?: readonly string[] | undefined;
}

/** Of an operation without a body. */
export const NO_BODY: AsyncIterable<string> = { async *[Symbol.asyncIterator]() {} };

/** Implements every operation, with inputs that `readInput` has checked. */
export type OperationHandlers = {
  readonly [Name in OperationName]: (input: NormalInput<Name>, context: CallContext) => Promise<Result<Name>>;
};

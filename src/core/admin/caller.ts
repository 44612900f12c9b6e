/** Who calls an operation of the administration, and with what besides its input. */
import type { IpAddress } from '../../dns/address.ts';
import type { ManagementKey, User } from '../users/user.ts';
import type { NormalInput, OperationName, Result } from './operations.ts';

export type AdminCaller =
  /** Whoever can open the control socket, or runs a command on this machine. */
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'user';
      readonly user: User;
      readonly key: Pick<ManagementKey, 'id' | 'name'>;
      /** Where the request comes from, if that is known. */
      readonly source: IpAddress | undefined;
      readonly userAgent: string;
    };

export const OPERATOR_CALLER: AdminCaller = { kind: 'operator' };

/** A user who is not an admin: what belongs to others is hidden. */
export type Member = Extract<AdminCaller, { kind: 'user' }>;

export function asMember(caller: AdminCaller): Member | undefined {
  return caller.kind === 'user' && caller.user.role === 'member' ? caller : undefined;
}

export interface CallContext {
  readonly caller: AdminCaller;
  /** The body of an operation that has one beside its input: pieces of a zone file. */
  readonly body: AsyncIterable<string>;
  /** The entity tags of `If-Match`, without their quotes; undefined: any, or no such header. */
  readonly ifMatch?: readonly string[] | undefined;
}

/** Of an operation without a body. */
export const NO_BODY: AsyncIterable<string> = { async *[Symbol.asyncIterator]() {} };

/** Implements every operation, with inputs that `readInput` has checked. */
export type OperationHandlers = {
  readonly [Name in OperationName]: (input: NormalInput<Name>, context: CallContext) => Promise<Result<Name>>;
};

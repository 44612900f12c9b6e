/**
 * Calls an operation for whoever asks: the role that the table demands, the input against its schema, what a member must have
 * of the object, then the operation, and its entry in the audit list. Nothing else decides who may call what.
 */
import type { DomainName } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import type { HostAccess } from '../users/user.ts';
import {
  type AdminCaller,
  asMember,
  type CallContext,
  identified,
  type Member,
  type OperationHandlers,
} from './caller.ts';
import {
  type NormalInput,
  OPERATIONS,
  type Operation,
  type OperationName,
  type Result,
  type Role,
} from './operations.ts';
import { readInput } from './read-input.ts';

/** What a member has. */
export interface MemberAccess {
  /** Undefined: nothing. @throws AppError request-malformed, store-unreachable */
  hostAccess(member: Member, host: DomainName): Promise<HostAccess | undefined>;
  /** @throws AppError store-unreachable */
  ownsToken(member: Member, name: string): Promise<boolean>;
}

export interface AdminChange {
  readonly caller: AdminCaller;
  readonly operation: OperationName;
  readonly target: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
  /** The name of the user whom the change signed in. */
  readonly signedIn?: string;
}

export interface DispatchOptions {
  readonly handlers: OperationHandlers;
  readonly access: MemberAccess;
  readonly readHost: (text: string) => DomainName;
  /** Notes a change for the audit list. Never rejects. Absent: there is no store. */
  readonly audit?: ((change: AdminChange) => Promise<void>) | undefined;
}

const RANKS: Readonly<Record<Role, number>> = { anyone: 0, member: 1, admin: 2, operator: 3 };
const ACCESS_RANKS: Readonly<Record<HostAccess, number>> = { view: 0, change: 1, own: 2 };

export class Dispatcher {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** @throws InputError, AppError not-permitted, name-invalid for what a member may not see, and those of the operation */
  async call<Name extends OperationName>(name: Name, input: object, context: CallContext): Promise<Result<Name>> {
    const operation = OPERATIONS[name];
    const { caller } = context;
    if (operation.allowed !== 'anyone') identified(caller);
    if (RANKS[roleOf(caller)] < RANKS[operation.allowed]) {
      throw new AppError('not-permitted', `Only an ${operation.allowed} may do this.`);
    }
    if (operation.httpOnly && caller.kind === 'operator') {
      throw new AppError(
        'request-malformed',
        'This operation is about the user who asks: use the HTTP API with a key.',
      );
    }
    const read = readInput(name, input);
    const { audit } = this.#options;
    if (operation.method === 'GET' || operation.isReading || audit === undefined)
      return this.#run(name, operation, read, context);
    const target = targetOf(operation, read as Readonly<Record<string, unknown>>);
    try {
      const result = await this.#run(name, operation, read, context);
      await audit({ caller, ...signInOf(operation, result), operation: name, target });
      return result;
    } catch (error) {
      await audit({ caller, operation: name, target, outcome: error instanceof AppError ? error.code : 'internal' });
      throw error;
    }
  }

  async #run<Name extends OperationName>(
    name: Name,
    { needs }: Operation,
    input: NormalInput<Name>,
    context: CallContext,
  ): Promise<Result<Name>> {
    const member = asMember(context.caller);
    if (member !== undefined && needs !== undefined) await this.#check(member, needs, input as never);
    return this.#options.handlers[name](input, context);
  }

  async #check(
    member: Member,
    needs: NonNullable<Operation['needs']>,
    input: { readonly host: string; readonly name: string },
  ): Promise<void> {
    const { access, readHost } = this.#options;
    if (needs.field === 'token') {
      if (!(await access.ownsToken(member, input.name))) throw unknownToken(input.name);
      return;
    }
    const ownerName = readHost(input.host);
    const has = await access.hostAccess(member, ownerName);
    if (has === undefined) throw unknownHost(ownerName);
    if (ACCESS_RANKS[has] >= ACCESS_RANKS[needs.access]) return;
    const what = needs.access === 'own' ? 'its owner' : "users who may 'change' it";
    throw new AppError('not-permitted', `The host '${ownerName}' is shared with you to ${has}: this is for ${what}.`);
  }
}

/** What the audit list says of a change that was made. */
function signInOf(operation: Operation, result: object): Pick<AdminChange, 'outcome' | 'signedIn'> {
  if (operation.allowed !== 'anyone') return { outcome: 'done' };
  const { state, user } = result as Result<'signIn'>;
  return { outcome: state === 'signed-in' ? 'done' : state, ...(user !== undefined && { signedIn: user.name }) };
}

function roleOf(caller: AdminCaller): Role {
  if (caller.kind === 'user') return caller.user.role;
  return caller.kind === 'operator' ? 'operator' : 'anyone';
}

/** Also for a host that a member may not see. */
export function unknownHost(ownerName: DomainName): AppError {
  return new AppError('name-invalid', `There is no host '${ownerName}'.`);
}

/** Also for a token that a member may not see. */
export function unknownToken(name: string): AppError {
  return new AppError('name-invalid', `There is no token '${name}'; \`dyndns token list\` shows all tokens.`);
}

/** Fields that name what an operation is about; all others stay out of the audit list. */
const NAMING_FIELDS = ['host', 'member', 'user', 'name', 'zone', 'webhook', 'file', 'role', 'access', 'owner'];
const MAX_TARGET = 500;

function targetOf({ path }: Operation, input: Readonly<Record<string, unknown>>): string {
  const named = NAMING_FIELDS.flatMap((field) => {
    const value = input[field];
    if (typeof value !== 'string' && typeof value !== 'number') return [];
    return path.includes(`{${field}}`) || field === 'host' || field === 'name'
      ? [String(value)]
      : [`${field} ${value}`];
  });
  const counts = ['hosts', 'tokens', 'changes'].flatMap((field) => {
    const value = input[field];
    return Array.isArray(value) && path.includes(':batch') ? [`${value.length} ${field}`] : [];
  });
  return [...named, ...counts].join(', ').slice(0, MAX_TARGET);
}

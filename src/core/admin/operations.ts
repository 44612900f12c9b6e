/**
 * Every operation of an operator: its request, the roles that may send it, its input and its result. The control socket,
 * its client, the calls in this process, the validators and docs/operating/control-api.md come from this table.
 */
import { HISTORY_OPERATIONS } from './history-operations.ts';
import { HOST_OPERATIONS } from './host-operations.ts';
import type { NormalValueOf, ObjectSchema, Schema, ValueOf } from './schema.ts';
import { SERVER_OPERATIONS } from './server-operations.ts';
import { TOKEN_OPERATIONS } from './token-operations.ts';
import { ZONE_OPERATIONS } from './zone-operations.ts';

/** `operator`: any process that can open the control socket. */
export type Role = 'operator' | 'admin' | 'member';

export interface Operation {
  readonly method: 'GET' | 'POST';
  /** `{field}` is a field of the input. The others are in the query of a GET or of a zone file, else in a JSON body. */
  readonly path: string;
  readonly allowed: Role;
  /** One sentence. */
  readonly summary: string;
  readonly input: ObjectSchema;
  /** Other names of fields that are accepted: those of older releases and those of the results. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** An object of results that may be sent back with changes: fields that only it has are ignored. */
  readonly shown?: ObjectSchema;
  /** The body of the request, if it is not the input. */
  readonly body?: 'zone file';
  readonly result: Schema | 'zone file';
  /** An input, for the documentation. */
  readonly example: Readonly<Record<string, unknown>>;
}

const TABLE = {
  ...SERVER_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...HOST_OPERATIONS,
  ...HISTORY_OPERATIONS,
  ...ZONE_OPERATIONS,
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof TABLE;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = TABLE;

type Row<Name extends OperationName> = (typeof TABLE)[Name];

type AliasesOf<R> = R extends { readonly aliases: infer Aliases; readonly input: { readonly properties: infer P } }
  ? { readonly [K in keyof Aliases]?: Aliases[K] extends keyof P ? ValueOf<P[Aliases[K]]> : never }
  : unknown;

/** What a caller may send. */
export type Input<Name extends OperationName> = ValueOf<Row<Name>['input']> & AliasesOf<Row<Name>>;

/** What an implementation gets. */
export type NormalInput<Name extends OperationName> = NormalValueOf<Row<Name>['input']>;

export type Result<Name extends OperationName> = Row<Name>['result'] extends 'zone file'
  ? AsyncIterable<string>
  : NormalValueOf<Row<Name>['result']>;

/** Requests an operation, of a running server or in this process. */
export interface Operations {
  /**
   * @param body the zone file of `importZone`, in pieces
   * @throws AppError request-malformed if the input is not valid, and the errors of the operation
   */
  call<Name extends OperationName>(name: Name, input: Input<Name>, body?: AsyncIterable<string>): Promise<Result<Name>>;
}

/** Implements every operation, with inputs that `readInput` has checked. */
export type OperationHandlers = {
  readonly [Name in OperationName]: (input: NormalInput<Name>, body: AsyncIterable<string>) => Promise<Result<Name>>;
};

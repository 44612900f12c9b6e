/**
 * Every operation of the administration: its request, who may send it, its input and its result. The HTTP API, the control
 * socket, the client of the command line, the calls in this process, the validators, docs/api/openapi.json and
 * docs/operating/control-api.md come from this table.
 */
import type { HostAccess } from '../users/user.ts';
import { DNSSEC_OPERATIONS } from './dnssec-operations.ts';
import { HISTORY_OPERATIONS } from './history-operations.ts';
import { HOST_OPERATIONS } from './host-operations.ts';
import { OVERVIEW_OPERATIONS } from './overview-operations.ts';
import { RECORD_OPERATIONS } from './record-operations.ts';
import type { NormalValueOf, ObjectSchema, Schema, ValueOf } from './schema.ts';
import { SERVER_OPERATIONS } from './server-operations.ts';
import { SIGN_IN_OPERATIONS } from './sign-in-operations.ts';
import { TOKEN_OPERATIONS } from './token-operations.ts';
import { USER_OPERATIONS } from './user-operations.ts';
import { ZONE_OPERATIONS } from './zone-operations.ts';

/**
 * `operator`: any process that can open the control socket. `admin` and `member`: users, by the HTTP API. `anyone`: a browser that is
 * not signed in.
 */
export type Role = 'operator' | 'admin' | 'member' | 'anyone';

export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{field}` is a field of the input. The others are in the query of a GET, of a DELETE or of a zone file, else in a JSON body. */
  readonly path: string;
  /** The least of those who may call it: an operator may call everything, an admin everything but that of the operator. */
  readonly allowed: Role;
  /**
   * What a member must have of the object that a field of the input names, at least. Without it the operation itself limits
   * what a member sees and changes.
   */
  readonly needs?: { readonly field: 'host'; readonly access: HostAccess } | { readonly field: 'token' };
  /** Not by the control socket: it is about the user who calls. */
  readonly httpOnly?: true;
  /** It changes nothing, although its method is not GET: a secret must not be in a URL. */
  readonly isReading?: true;
  /** One sentence. */
  readonly summary: string;
  readonly input: ObjectSchema;
  /** Other names of fields that are accepted: those of older releases and those of the results. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** An object of results that may be sent back with changes: fields that only it has are ignored. */
  readonly shown?: ObjectSchema;
  /** The body of the request: that of a batch may be longer than other JSON; a zone file is no JSON. */
  readonly body?: 'zone file' | 'batch';
  readonly result: Schema | 'zone file' | 'event stream';
  /** 201 in place of 200. The result has the new object's place at this path. */
  readonly creates?: string;
  /** The field of the result that is its entity tag (RFC 9110 §8.8.3). The operation obeys `If-Match`, if it changes something. */
  readonly etag?: 'revision' | 'serial';
  /** An input, for the documentation. */
  readonly example: Readonly<Record<string, unknown>>;
}

const TABLE = {
  ...SERVER_OPERATIONS,
  ...SIGN_IN_OPERATIONS,
  ...USER_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...HOST_OPERATIONS,
  ...OVERVIEW_OPERATIONS,
  ...HISTORY_OPERATIONS,
  ...ZONE_OPERATIONS,
  ...DNSSEC_OPERATIONS,
  ...RECORD_OPERATIONS,
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

export type Result<Name extends OperationName> = Row<Name>['result'] extends 'zone file' | 'event stream'
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

/** Whether the fields of the input that are not in the path are in the query. */
export function isInQuery({ method, body }: Operation): boolean {
  return method === 'GET' || method === 'DELETE' || body === 'zone file';
}

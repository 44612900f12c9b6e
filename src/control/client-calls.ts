/**
 * What the command line asks about tokens, hosts and history, with and without a running server: requests in the texts
 * that the operator typed, which are read where they are answered (local-client-calls.ts).
 */
import type {
  HistoryView,
  HostDetails,
  HostView,
  NewTokenView,
  PastView,
  PendingView,
  TokenView,
} from '../core/admin/views.ts';

export interface CreateTokenCall {
  readonly name: string;
  /** At least one. */
  readonly hosts: readonly string[];
  /** None: A and AAAA. */
  readonly types: readonly string[];
  /** `any`, `own`, or prefixes; none: any. */
  readonly addresses: readonly string[];
  /** Prefixes; none: anywhere. */
  readonly sources: readonly string[];
  readonly expires?: string;
  /** See NewToken. */
  readonly freednsUser?: string;
}

export interface AddHostCall {
  readonly host: string;
  readonly ttl?: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** Seconds, as `ttl`; absent or 0: never. */
  readonly silentAfter?: string;
  readonly lease?: string;
  readonly fallback: readonly string[];
  /** Also where it has settings. */
  readonly replace: boolean;
}

export interface AddMemberCall {
  readonly host: string;
  readonly member: string;
  /** One of these two. */
  readonly interfaceId?: string;
  readonly mac?: string;
  readonly subnet?: string;
}

/** All throw AppError: request-malformed where a text is not of the right form, and what ClientAdmin throws. */
export interface ClientCalls {
  tokens(): Promise<readonly TokenView[]>;
  createToken(call: CreateTokenCall): Promise<NewTokenView>;
  revokeToken(name: string): Promise<TokenView>;
  /** @param freednsUser the new secret is this user's password, as with CreateTokenCall */
  rotateToken(name: string, freednsUser?: string): Promise<NewTokenView>;

  hosts(): Promise<readonly HostView[]>;
  host(host: string): Promise<HostDetails>;
  addHost(call: AddHostCall): Promise<HostView>;
  enableHost(host: string, enabled: boolean): Promise<HostView>;
  removeHost(host: string): Promise<HostView>;
  /** Its settings, without what is published. */
  members(host: string): Promise<HostView>;
  addMember(call: AddMemberCall): Promise<HostView>;
  removeMember(host: string, member: string): Promise<HostView>;

  /** @param before the id of an event, or the beginning of one */
  history(host: string, limit: number, before?: string): Promise<HistoryView>;
  /** @param time ISO 8601 in UTC */
  historyAt(host: string, time: string): Promise<PastView>;
  /** How many events there were. */
  purgeHistory(host: string): Promise<{ readonly host: string; readonly events: number }>;

  pending(): Promise<PendingView>;
}

/** Operations of sign-in, sessions and invitations that the generated types do not have. */
import type { UserView } from './api-types.ts';

export type Way = 'link' | 'password' | 'oidc';

export interface SignInWays {
  readonly ways: readonly Way[];
  readonly hasUsers: boolean;
  readonly oidcTitle?: string;
  /** Only in `dyndns setup`: the first run. */
  readonly setup?: true;
  /** False: this browser has no session. Absent: the server does not say. */
  readonly signedIn?: boolean;
}

export type SignInResult = { readonly state: 'signed-in'; readonly user: UserView } | { readonly state: 'code-needed' };

export interface InvitationView {
  readonly role: 'admin' | 'member';
  readonly name?: string;
  readonly expires: string;
  readonly isFirst: boolean;
}

export interface SessionView {
  readonly id: string;
  readonly created: string;
  readonly lastUsed: string;
  readonly expires: string;
  readonly source: string;
  readonly userAgent: string;
  readonly isCurrent: boolean;
}

export interface ListedInvitation {
  readonly id: string;
  readonly role: 'admin' | 'member';
  readonly name?: string;
  readonly created: string;
  readonly expires: string;
  readonly createdBy: string;
}

type Nothing = Record<never, never>;

export interface SignInOperations {
  'GET /v1/sign-in': { input: Nothing; result: SignInWays };
  'POST /v1/sign-in': {
    input: { user: string; password: string; code?: string | undefined } | { link: string; code?: string | undefined };
    result: SignInResult;
  };
  'DELETE /v1/sign-in': { input: Nothing; result: Nothing };
  'POST /v1/invitations:show': { input: { link: string }; result: InvitationView };
  'POST /v1/invitations:accept': {
    input: { link: string; name: string; password?: string | undefined };
    result: SignInResult;
  };
  'GET /v1/invitations': { input: Nothing; result: { readonly invitations: readonly ListedInvitation[] } };
  'POST /v1/invitations': {
    input: { role?: 'admin' | 'member' | undefined; name?: string | undefined };
    result: ListedInvitation & { readonly url: string };
  };
  'DELETE /v1/invitations/{id}': { input: { id: string }; result: Nothing };
  'POST /v1/users/{user}/link': { input: { user: string }; result: { readonly url: string; readonly expires: string } };
  'GET /v1/me/sessions': { input: Nothing; result: { readonly sessions: readonly SessionView[] } };
  'DELETE /v1/me/sessions/{id}': { input: { id: string }; result: Nothing };
  'GET /v1/users/{user}/sessions': { input: { user: string }; result: { readonly sessions: readonly SessionView[] } };
  'DELETE /v1/users/{user}/sessions/{id}': { input: { user: string; id: string }; result: Nothing };
  'DELETE /v1/users/{user}/totp': { input: { user: string }; result: Nothing };
  'PUT /v1/me/password': { input: { password: string; current?: string | undefined }; result: Nothing };
  'POST /v1/me/totp': { input: Nothing; result: { readonly secret: string; readonly uri: string } };
  'PUT /v1/me/totp': { input: { code: string }; result: { readonly recoveryCodes: readonly string[] } };
  'POST /v1/me/totp:end': { input: { code: string }; result: Nothing };
}

/** What `GET /v1/me` has beside the generated fields. */
export interface SignInFacts {
  readonly hasPassword?: boolean;
  readonly hasTotp?: boolean;
  readonly session?: { readonly id: string; readonly expires: string };
}

/** A real OpenID provider (oidc-provider) on loopback that signs in the account that the test names, without a form. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error the package has no types
import { Provider } from 'oidc-provider';

export interface OidcAccountFields {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

export interface OidcServer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who signs in next. */
  account: OidcAccountFields;
  stop(): Promise<void>;
}

/** @param redirectUris of dyndns @param claims those that an ID token may have */
export async function startOidcProvider(redirectUri: string, claims: readonly string[]): Promise<OidcServer> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [clientId, clientSecret] = ['dyndns', 'a-secret-of-the-client'];
  const running: OidcServer = {
    issuer,
    clientId,
    clientSecret,
    account: { sub: 'nobody' },
    stop: () => new Promise((resolve) => server.close(() => resolve()) && server.closeAllConnections()),
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', ...claims], groups: [...claims] },
    scopes: ['openid', 'profile', 'groups'],
    conformIdTokenClaims: false,
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: async () => ({ ...running.account, sub }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    loadExistingGrant: async (context: {
      oidc: {
        client: { clientId: string };
        session: { accountId: string };
        provider: { Grant: new (fields: object) => { addOIDCScope(scope: string): void; save(): Promise<string> } };
      };
    }) => {
      const { client, session, provider: own } = context.oidc;
      const grant = new own.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile groups');
      await grant.save();
      return grant;
    },
    cookies: { keys: ['a key of the test'] },
    jwks: undefined,
  });
  const callback = provider.callback();
  handle = (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void callback(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: running.account.sub } });
  };
  return running;
}

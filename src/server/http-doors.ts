/** Parts of the HTTP interface that most configurations do without: their code is loaded only where one has them. */

import type { Config } from '../config/config.ts';
import { errorStack } from '../core/errors.ts';
import type { Observer } from '../core/observer.ts';
import type { OidcDoorOptions } from '../http/api/oidc-door.ts';
import type { OperationCalls } from '../http/api/operation-door.ts';
import type { Door } from '../http/app/app.ts';
import type { Generation } from './generation.ts';
import type { OpenState } from './state.ts';
import { timers } from './system-timers.ts';

export interface DoorParts {
  readonly current: () => Generation;
  readonly calls: () => OperationCalls;
  readonly observer: Observer;
  readonly nextRequestId: () => string;
  /** Begins a session of an account of the OpenID provider. */
  readonly signInByOidc: OidcDoorOptions['signIn'];
  /** Not called before the first request. */
  readonly state: () => OpenState;
}

export interface LoadedDoors {
  readonly doors: readonly Door[];
  /** Ends the event streams: a server that ends waits for its requests. */
  readonly endStreams: () => void;
}

export async function loadDoors({ admin }: Config, parts: DoorParts): Promise<LoadedDoors> {
  if (admin === undefined) return { doors: [], endStreams: () => undefined };
  const [{ door, endStreams }, ui] = await Promise.all([loadApi(parts), loadUi(parts)]);
  const oidc = admin.oidc === undefined ? [] : [await loadOidc(parts)];
  const powerdns = admin.powerdnsApi ? [(await import('../http/powerdns/door.ts')).powerdnsDoor] : [];
  return { doors: [...powerdns, door, ...oidc, ui], endStreams };
}

/** Signing in by an OpenID provider. */
async function loadOidc({ current, observer, signInByOidc }: DoorParts): Promise<Door> {
  const { oidcDoor } = await import('../http/api/oidc-door.ts');
  return oidcDoor({
    // Both stay until a restart: see restart-options.ts.
    oidc: () => {
      const { clientSecret, ...options } = current().config.admin!.oidc!;
      return { ...options, clientSecret: clientSecret.reveal() };
    },
    url: () => current().config.admin!.url!,
    trust: () => current().config.http,
    observer,
    signIn: signInByOidc,
  });
}

/** The dashboard. */
async function loadUi({ current, observer }: DoorParts): Promise<Door> {
  const { uiDoor } = await import('../http/ui/ui-door.ts');
  return uiDoor({
    observer,
    trust: () => current().config.http,
    url: () => current().config.admin?.url,
  });
}

/** The HTTP API for administration. */
async function loadApi(parts: DoorParts): Promise<Pick<LoadedDoors, 'endStreams'> & { readonly door: Door }> {
  const { current, calls, observer, nextRequestId, state } = parts;
  const [
    { apiDoor },
    { openApiDocument },
    { PROBLEMS },
    { streamOpener },
    { EventStreams },
    { credentialChecker },
    { headerUsers },
  ] = await Promise.all([
    import('../http/api/api-routes.ts'),
    import('../core/admin/openapi.ts'),
    import('../http/api/problem.ts'),
    import('../http/api/event-stream.ts'),
    import('../core/stream/event-streams.ts'),
    import('../core/sign-in/credential-checker.ts'),
    import('../http/api/header-users.ts'),
  ]);
  const proxyUsers = () => {
    const { admin, http } = current().config;
    const { proxyUserHeader: header, proxySecret: secret, listen } = admin!;
    // A reload may have taken `admin.listen` away from the file, and not from the server.
    if (header === undefined || secret === undefined || listen.length === 0) return undefined;
    const { trustedProxies } = http;
    return headerUsers({ header, secret: secret.reveal(), trustedProxies, users: state().store!.users });
  };
  let document: string | undefined;
  let streams: InstanceType<typeof EventStreams> | undefined;
  let isEnding = false;
  const openStreams = () => {
    const { store, recorder } = state();
    return new EventStreams({
      history: store!.history,
      recorder: recorder!,
      isShared: current().config.store?.kind === 'postgres',
      timers,
      onFault: (error) => observer.warn(`Event streams: ${errorStack(error)}`),
      isRecorded: () => current().config.historyDays > 0,
      hosts: () => current().hosts,
      credentials: () => {
        const { keys, sessions } = current().services;
        return credentialChecker({ keys: keys!, sessions: sessions!, users: store!.users });
      },
    });
  };
  const openStream = streamOpener(() => {
    streams ??= openStreams();
    if (isEnding) streams.close();
    return streams;
  });
  const openApi = () => {
    document ??= `${JSON.stringify(openApiDocument(PROBLEMS), null, 2)}\n`;
    return document;
  };
  const door = apiDoor({
    calls,
    keys: () => current().services.keys!,
    sessions: () => current().services.sessions!,
    proxyUsers,
    trust: () => current().config.http,
    url: () => current().config.admin?.url,
    openStream,
    observer,
    nextRequestId,
    openApi,
  });
  const endStreams = () => {
    isEnding = true;
    streams?.close();
  };
  return { door, endStreams };
}

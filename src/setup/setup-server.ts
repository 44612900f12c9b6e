/**
 * The server of `dyndns setup`: the wizard on sockets of its own, until the real server takes over. It has no store and no
 * zone, so that nothing is there before the last step (docs/decisions/0028-setup.md).
 */

import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { DnsEndpoint, TcpAddress } from '../config/config.ts';
import { formatListenAddress } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { GuessBudget } from '../core/access/guess-budget.ts';
import { errorStack } from '../core/errors.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { makeRequestIds } from '../http/app/app.ts';
import { requestListener } from '../http/app/guarded-server.ts';
import { readPage, sendFile } from '../http/ui/ui-door.ts';
import { machineAddresses } from '../server/machine-addresses.ts';
import { SetupAccess } from './access.ts';
import { type ServePage, SetupDoor } from './door.ts';
import { SetupListener } from './listener.ts';
import { type StartedServer, type StartRequest, Wizard } from './wizard.ts';

export interface SetupOptions {
  /** At least one. */
  readonly listen: readonly TcpAddress[];
  /** The wizard listens where the server's default is. */
  readonly isDefaultListen: boolean;
  readonly file: string;
  readonly store: string;
  readonly url: string | undefined;
  readonly environment: Environment;
  readonly resolver?: DnsEndpoint | undefined;
  /** 53, except for tests. */
  readonly nameserverPort?: number;
  /** Writes the file and starts the server; if that fails, nothing is left. */
  readonly start: (request: StartRequest) => Promise<StartedServer>;
  /** Called with a text for the log. */
  readonly warn: (text: string) => void;
}

export interface RunningSetup {
  /** The link, which can be used once. */
  readonly link: string;
  readonly addresses: readonly TcpAddress[];
  /** Resolves when the server has taken over. */
  readonly finished: Promise<void>;
  close(): void;
}

/** For the reply of the last step to reach the page, before what is left of the wizard's connections ends. */
const LAST_REPLY_MS = 5_000;

/** @throws ListenError */
export async function startSetup(options: SetupOptions): Promise<RunningSetup> {
  const { listen, url, environment, warn } = options;
  const onFault = (error: unknown) => warn(`Setup: ${errorStack(error)}`);
  const access = new SetupAccess({ random: randomBytes, guesses: new GuessBudget(() => performance.now()) });
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const listenIsFixed = Boolean(environment['DYNDNS_HTTP_LISTEN']);
  const wizard = new Wizard({
    file: options.file,
    store: options.store,
    url,
    httpListen: options.isDefaultListen || listenIsFixed ? undefined : listen.map(formatListenAddress),
    listenIsFixed,
    environment,
    machine: machineAddresses(),
    hasIpv6: Object.values(networkInterfaces()).some((each) => each?.some(({ family }) => family === 'IPv6')),
    resolver: options.resolver,
    nameserverPort: options.nameserverPort ?? 53,
    ownPorts: () => listener.addresses.map(({ port }) => port),
    start: async (request) => {
      const { addresses } = listener;
      listener.release();
      try {
        const started = await options.start(request);
        setTimeout(() => listener.close(), LAST_REPLY_MS).unref();
        finish();
        return started;
      } catch (error) {
        await listener.open(addresses);
        throw error;
      }
    },
  });
  const files = readPage(warn);
  const servePage: ServePage = (...exchange) => {
    sendFile(...exchange, files, url);
  };
  const door = new SetupDoor({ wizard, access, servePage, url, nextRequestId: makeRequestIds(), onFault });
  const listener = new SetupListener(
    requestListener((request, response) => door.answer(request, response), onFault),
    onFault,
  );
  try {
    await listener.open(listen);
  } catch (error) {
    listener.close();
    throw error;
  }
  return {
    link: `${url ?? shownOrigin(listener.addresses[0]!)}/ui/#setup=${access.link}`,
    addresses: listener.addresses,
    finished,
    close: () => listener.close(),
  };
}

/** As a browser on this machine reaches it. */
function shownOrigin({ host, port }: TcpAddress): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${formatEndpoint({ host: reachable, port })}`;
}

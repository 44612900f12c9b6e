/** Starts our server (dyndns.ts) as the primary of one embedded zone, on free ports of 127.0.0.1 for DNS and HTTP. */
import { type DyndnsConfig, type RunningDyndns, startDyndns } from './dyndns.ts';
import { freePort } from './free-port.ts';
import type { KeySpec } from './primary-server.ts';

/** A key with its policy: `tsig_keys[]` of the configuration. */
export interface EmbeddedKey extends KeySpec {
  readonly allow?: readonly ('update' | 'transfer')[];
  readonly hosts?: readonly string[];
  readonly types?: readonly string[];
}

export interface EmbeddedOptions {
  readonly zone: string;
  /** Default: ns1 of the zone, which then has an address. */
  readonly ns?: readonly string[];
  readonly contact?: string;
  /** Static records in zone-file syntax. */
  readonly records?: string;
  readonly keys?: readonly EmbeddedKey[];
  readonly secondaries?: readonly (
    | string
    | { readonly address: string; readonly key?: string; readonly notify?: boolean; readonly poll?: boolean }
  )[];
  /** Additional options of the zone. */
  readonly zoneOptions?: Readonly<Record<string, unknown>>;
  /** Additional options of the configuration, and of its section `dns`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly dns?: Readonly<Record<string, unknown>>;
  /** The DNS port; default: a free one. */
  readonly port?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface EmbeddedServer {
  readonly kind: 'embedded';
  readonly host: '127.0.0.1';
  /** The DNS port, for UDP and TCP. */
  readonly port: number;
  /** The process: HTTP, log, configuration. */
  readonly dyndns: RunningDyndns;
  /** The master secret. */
  readonly secret: string;
  stop(): Promise<void>;
}

const SECRET = 'masterSecretOfTests';

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const port = options.port ?? (await freePort());
  const { zone, ns = [`ns1.${zone}`], contact, keys, secondaries } = options;
  const own = options.ns === undefined ? 'ns1 IN A 127.0.0.1\n' : '';
  const config: DyndnsConfig = {
    secret: SECRET,
    log_level: 20,
    ...options.config,
    dns: { listen: [`127.0.0.1:${port}`], database: 'zones.db', ...options.dns },
    zones: [
      {
        ...options.zoneOptions,
        name: zone,
        nameserver: 'embedded',
        ns,
        records: own + (options.records ?? ''),
        ...(contact === undefined ? {} : { contact }),
        ...(keys === undefined ? {} : { tsig_keys: keys }),
        ...(secondaries === undefined ? {} : { secondaries }),
      },
    ],
  };
  const dyndns = await startDyndns(config, options.env === undefined ? {} : { env: options.env });
  return { kind: 'embedded', host: '127.0.0.1', port, dyndns, secret: SECRET, stop: () => dyndns.stop() };
}

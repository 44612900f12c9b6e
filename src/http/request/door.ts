/**
 * The contract of a client protocol: routes that turn a request into a reply, and the protocol's words for errors.
 * Protocols import neither the web framework nor each other.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { AcmeDns } from '../../core/access/acme-dns.ts';
import type { Authenticator } from '../../core/access/authenticate.ts';
import type { KeyAuthenticator } from '../../core/access/authenticate-key.ts';
import type { Principal } from '../../core/access/principal.ts';
import type { AppError } from '../../core/errors.ts';
import type { Monitoring } from '../../core/monitoring.ts';
import type { RecordChangeParts } from '../../core/records/change-records.ts';
import type { SessionAuthenticator } from '../../core/sign-in/authenticate-session.ts';
import type { UpdateHost } from '../../core/updates/update-host.ts';
import type { UpdateRecord } from '../../core/updates/update-record.ts';
import type { UpdateTexts } from '../../core/updates/update-texts.ts';
import type { CheckZones } from '../../core/zones/check-zones.ts';
import type { ZoneTable } from '../../core/zones/zone.ts';
import type { IpAddress } from '../../dns/address.ts';

/** The use-cases and settings of the current configuration; a reload replaces all of it. */
export interface Services {
  readonly version: string;
  readonly zones: ZoneTable;
  readonly authenticator: Authenticator;
  /** Undefined without the HTTP API. */
  readonly keys?: KeyAuthenticator | undefined;
  /** Of the dashboard; as `keys`. */
  readonly sessions?: SessionAuthenticator | undefined;
  readonly record: UpdateRecord;
  readonly updates: UpdateHost;
  readonly texts: UpdateTexts;
  /** Undefined where it is not configured. */
  readonly acmeDns: AcmeDns | undefined;
  /** What changes of records need beside `zones` and `record`. */
  readonly recordChanges: Pick<RecordChangeParts, 'ended' | 'clock' | 'timeoutMs'>;
  readonly checks: CheckZones;
  /** Original API: the treatment of a family that a request does not name. */
  readonly unspecifiedFamily: 'keep' | 'delete';
  readonly checkIsOpen: boolean;
  readonly monitoring: Monitoring;
  /** Names of disabled protocols. */
  readonly protocolsOff: ReadonlySet<string>;
}

export interface DoorRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Placeholders of the route, percent-decoded. */
  readonly path: Readonly<Record<string, string | undefined>>;
  /** Query and body, a form or JSON; of repeated parameters the first. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** All texts of each repeated parameter, in their order; undefined where none is repeated, as nearly always. */
  readonly repeated: ReadonlyMap<string, readonly string[]> | undefined;
  /** As it was sent; undefined without one, and for multipart/form-data. */
  readonly body: string | undefined;
  /** The body is a JSON object, or `null`. */
  readonly isJsonObject: boolean;
  /** Undefined where it is not known; `requireCaller` then makes the error. */
  readonly clientAddress: IpAddress | undefined;
  /** The other end of the connection: limits count a client who is unknown under it. Undefined on a unix socket. */
  readonly peer: IpAddress | undefined;
  /** Who sent it, when that is known: for the log and the history. */
  principal?: Principal | undefined;
}

export interface DoorReply {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly outcome: 'updated' | 'unchanged' | 'info' | 'failed';
  /** For the log, without secrets. */
  readonly detail: string;
  /** The first failure of a reply about several hosts; for the log. */
  readonly error?: AppError;
  /** A private address was published or confirmed; for the log. */
  readonly isPrivate?: boolean;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Route {
  /** HEAD is answered like GET only where the route is `safe`: it changes nothing. */
  readonly methods: readonly Method[];
  readonly safe: boolean;
  /** Pattern with `:placeholder` segments. */
  readonly pattern: string;
  /**
   * Where protocols share a pattern: whether a request belongs to this one. The first protocol in the order of app.ts that
   * takes it handles it. Absent: every request.
   */
  readonly takes?: (request: DoorRequest) => boolean;
  /** Reads the JSON of the body itself. Other routes get its fields as parameters. */
  readonly readsBody?: true;
  /**
   * Whether pages of the origins in `acme_dns.cors_origins` may send requests and read the replies (CORS). `with credential`:
   * not those that are permitted by their source address.
   */
  readonly crossOrigin?: 'allowed' | 'with credential';
  handle(request: DoorRequest, services: Services): DoorReply | Promise<DoorReply>;
}

export interface Protocol {
  /** The name of its switch in the configuration, if it has one. */
  readonly name: string;
  readonly routes: readonly Route[];
  /** Total over all error codes; never shows a cause. */
  formatError(error: AppError, requestId: string): DoorReply;
}

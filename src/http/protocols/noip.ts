/**
 * `/ducupdate.php`, which No-IP's own update clients and the routers that copy them ask: one or several hosts, one line
 * `ADDRESS:CODE` of reply for each. No-IP's `/nic/update` is dyndns2. docs/protocols/noip.md has the codes.
 *
 * Left out on purpose: `groupname`, and the codes of groups.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { IpAddress } from '../../dns/address.ts';
import { authenticateClient } from '../request/authentication.ts';
import { findUserName } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHosts, type HostAnswer, plainName, replyAddresses, replyToHosts } from '../request/host-requests.ts';
import { hostFinders, MAX_HOSTS } from '../request/requested-host.ts';
import { chooseAddresses, findParameter, lowerCaseNames, type Parameters } from '../request/update-parameters.ts';

/** Status and code of each error. 911 is unknown to every client, so that none stops for good or takes it for success. */
export const NOIP_ERRORS = {
  'request-malformed': [200, 2],
  'name-invalid': [200, 2],
  'address-invalid': [200, 7],
  'not-authenticated': [401, 4],
  'not-permitted': [200, 2],
  'host-disabled': [200, 8],
  'address-refused': [200, 7],
  'rate-limited': [503, 5],
  conflict: [200, 9],
  contended: [503, 911],
  'primary-refused': [503, 911],
  'primary-key-rejected': [503, 911],
  'primary-unreachable': [503, 911],
  'publish-unknown': [503, 911],
  'store-unreachable': [503, 911],
  'check-failed': [503, 911],
  internal: [503, 911],
} as const satisfies Record<ErrorCode, readonly [number, number]>;

const CHANGED = 1;
const UNCHANGED = 0;
const TOO_MANY = 5;

/** Stands before the code where neither an address nor a host is known. */
const NOBODY = 'error';

function formatError(error: AppError, front = NOBODY): DoorReply {
  const [status, code] = NOIP_ERRORS[error.code];
  return clientErrorReply(error, status, `${front}:${code}\n`);
}

export const noipProtocol: Protocol = {
  name: 'noip',
  formatError: (error) => formatError(error),
  routes: [{ methods: ['GET', 'POST'], safe: false, pattern: '/ducupdate.php', handle: answer }],
};

interface DucRequest {
  /** Names in lower case. */
  readonly parameters: Parameters;
  readonly hosts: readonly string[];
}

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { parameters, hosts } = readRequest(request);
  const front = readIpv4(parameters, request.clientAddress);
  try {
    const context = await authenticateClient(request, services, 'noip', findParameter(parameters, 'credential'));
    if (hosts.length > MAX_HOSTS) {
      const body = `${front ?? NOBODY}:${TOO_MANY}\n`;
      return { status: 200, body, outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
    }
    const user = findUserName(request.headers) || findParameter(parameters, 'user');
    const find = hostFinders(hosts, user, context.principal, services);
    const choose = ({ emptyValue }: Zone) => chooseAddresses(parameters, context.caller, emptyValue);
    const isGeneral = ({ code }: AppError) => NOIP_ERRORS[code][0] !== 200;
    return replyToHosts(
      await changeHosts(
        find.map((findHost) => ({ find: findHost, choose })),
        context,
        services,
        isGeneral,
      ),
      (one) => lineOf(one, front),
    );
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const told = services.record.refuse(error, { caller: request.clientAddress });
    return { ...formatError(told, front), error: told };
  }
}

/** `h[]` as often as there are hosts; No-IP's clients put the whole query into one parameter, in base64. */
function readRequest({ parameters, lists }: DoorRequest): DucRequest {
  const packed = parameters['requestL'];
  // A plus sign that nobody escaped arrives as a space.
  const query = packed && new URLSearchParams(Buffer.from(packed.replaceAll(' ', '+'), 'base64').toString('utf8'));
  const given = lowerCaseNames(query ? { ...parameters, ...Object.fromEntries(query) } : parameters);
  const repeated = [...(lists['h[]'] ?? []), ...(query ? query.getAll('h[]') : [])].filter((text) => text !== '');
  const named = repeated.length > 0 ? repeated : [findParameter(given, 'host') ?? ''];
  const hosts = named.flatMap((text) => text.split(',')).map((text) => text.trim());
  return { parameters: given, hosts: hosts.filter((text) => text !== '') };
}

/**
 * The IPv4 address that stands before the code. Clients take what is behind the first colon for the code: an IPv6 address
 * cannot stand there, and the host's name does.
 */
function readIpv4(parameters: Parameters, caller: IpAddress | undefined): string | undefined {
  try {
    return chooseAddresses(parameters, caller, 'keep').wanted.A?.text;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function lineOf(answer: HostAnswer, front: string | undefined): string {
  if (answer.kind === 'failed') return `${front ?? NOBODY}:${NOIP_ERRORS[answer.error.code][1]}`;
  const { result } = answer.updated;
  const ipv4 = replyAddresses(answer.updated).find((text) => !text.includes(':'));
  return `${ipv4 ?? plainName(result.ownerName)}:${result.changed ? CHANGED : UNCHANGED}`;
}

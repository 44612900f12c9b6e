/**
 * `/ducupdate.php` of No-IP's own update clients, and of routers that imitate them: a request changes one or several hosts,
 * and the reply has one line `ADDRESS:CODE` for each. No-IP's `/nic/update` is dyndns2. docs/protocols/noip.md has the codes.
 *
 * Left out on purpose: `groupname`, and the codes of groups.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Zone } from '../../core/zones/zone.ts';
import type { IpAddress } from '../../dns/address.ts';
import { authenticateClient, refusalContext } from '../request/authentication.ts';
import { findUserNames } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { clientErrorReply } from '../request/error-reply.ts';
import { changeHosts, type HostAnswer, plainName, replyAddresses, replyToHosts } from '../request/host-requests.ts';
import { hostFinders, listUserHosts, MAX_HOSTS, splitHosts } from '../request/requested-host.ts';
import {
  chooseAddresses,
  joinParameters,
  oneOfEachFamily,
  type Parameters,
  readHosts,
  readParameters,
} from '../request/update-parameters.ts';

/** Status and code of each error. No client knows 911, so none stops permanently or takes it for success. */
export const NOIP_ERRORS = {
  'request-malformed': [200, 2],
  'body-malformed': [400, 2],
  'cross-site': [403, 4],
  'name-invalid': [200, 2],
  'address-invalid': [200, 7],
  'not-authenticated': [401, 4],
  'too-many-guesses': [503, 5],
  'not-permitted': [200, 2],
  'quota-exceeded': [200, 2],
  'host-disabled': [200, 8],
  'address-refused': [200, 7],
  'rate-limited': [503, 5],
  'caller-unknown': [503, 911],
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

/** In front of the code where neither an address nor a host is known. */
const NO_HOST = 'error';

function formatError(error: AppError, front = NO_HOST): DoorReply {
  const [status, code] = NOIP_ERRORS[error.code];
  return clientErrorReply(error, status, `${front}:${code}\n`);
}

export const noipProtocol: Protocol = {
  name: 'noip',
  formatError: (error) => formatError(error),
  routes: [{ methods: ['GET', 'POST'], safe: false, pattern: '/ducupdate.php', handle: answer }],
};

async function answer(request: DoorRequest, services: Services): Promise<DoorReply> {
  const parameters = readRequest(request);
  const front = readIpv4(parameters, request.clientAddress);
  try {
    const context = await authenticateClient(request, services, 'noip', parameters);
    const { principal, caller } = context;
    const users = findUserNames(request.headers, parameters);
    const given = parameters['h[]'] ? splitHosts(parameters['h[]']) : readHosts(parameters);
    const hosts = given.length > 0 ? given : listUserHosts(users, principal, services);
    if (hosts.length > MAX_HOSTS) {
      const body = `${front ?? NO_HOST}:${TOO_MANY}\n`;
      return { status: 200, body, outcome: 'failed', detail: `more than ${MAX_HOSTS} hosts` };
    }
    const find = hostFinders(hosts, users, principal, services);
    const choose = ({ emptyValue }: Zone) => oneOfEachFamily(chooseAddresses(parameters, caller, emptyValue));
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
    const refusal = services.record.refuse(error, refusalContext(request, 'noip'));
    return { ...formatError(refusal, front), error: refusal };
  }
}

/** No-IP's own clients put the whole query into `requestL`, in base64; its parameters come before the others. */
function readRequest(request: DoorRequest): Parameters {
  const packed = request.parameters['requestL'];
  if (!packed) return readParameters(request);
  // An unescaped plus sign arrives as a space.
  const query = new URLSearchParams(Buffer.from(packed.replaceAll(' ', '+'), 'base64').toString('utf8'));
  const repeated = new Map<string, string[]>();
  for (const [name, text] of query) {
    const texts = repeated.get(name);
    if (texts === undefined) repeated.set(name, [text]);
    else texts.push(text);
  }
  return { ...readParameters(request), ...joinParameters(Object.fromEntries(query), repeated) };
}

/**
 * The IPv4 address in front of the code. Clients parse the code after the first colon, so the line has the host name instead
 * of an IPv6 address.
 */
function readIpv4(parameters: Parameters, caller: IpAddress | undefined): string | undefined {
  try {
    return chooseAddresses(parameters, caller, 'keep').wanted.A?.[0]?.text;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function lineOf(answer: HostAnswer, front: string | undefined): string {
  if (answer.kind === 'failed') return `${front ?? NO_HOST}:${NOIP_ERRORS[answer.error.code][1]}`;
  const { result } = answer.updated;
  const ipv4 = replyAddresses(answer.updated).find((text) => !text.includes(':'));
  return `${ipv4 ?? plainName(result.ownerName)}:${result.changed ? CHANGED : UNCHANGED}`;
}

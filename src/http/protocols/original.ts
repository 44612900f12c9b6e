/**
 * The HTTP API of the original `dyndns`, version 2: its routes, reply lines, error lines and statuses.
 * Its users' routers and scripts depend on every word here; docs/protocols/original.md lists the deliberate differences.
 */
import type { RequestContext } from '../../core/access/request-context.ts';
import { AppError } from '../../core/errors.ts';
import { checkLine, ORIGINAL_ERRORS } from '../../core/updates/original-lines.ts';
import { authenticateRequest, clientContext } from '../request/authentication.ts';
import { findCandidates } from '../request/credentials.ts';
import type { DoorReply, DoorRequest, Protocol, Services } from '../request/door.ts';
import { originalErrorReply } from '../request/error-reply.ts';
import { isUpdate } from '../request/host-requests.ts';
import { checkParameterNames } from '../request/original-parameters.ts';
import { changeAddresses, deleteAddresses } from '../request/original-requests.ts';

export const originalProtocol: Protocol = {
  name: 'original',
  formatError: originalErrorReply,
  routes: [
    {
      methods: ['GET'],
      safe: true,
      pattern: '/',
      // With a host or an address it is an update of dyndns2.
      takes: (request) => !isUpdate(request),
      handle: (_request, { version }) => info(`dyndns v${version}\n`, 'version'),
    },
    { methods: ['GET'], safe: false, pattern: '/check', handle: check },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn', handle: updateByPath },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn/:ip_1', handle: updateByPath },
    { methods: ['GET'], safe: false, pattern: '/update-by-path/:secret/:fqdn/:ip_1/:ip_2', handle: updateByPath },
    { methods: ['GET', 'POST'], safe: false, pattern: '/update-by-query', handle: updateByQuery },
    { methods: ['GET'], safe: false, pattern: '/delete-by-path/:secret/:fqdn', handle: deleteByPath },
  ],
};

async function updateByPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  const context = await authenticate(request, services);
  const { fqdn, ip_1, ip_2 } = request.path;
  const { wait } = request.parameters;
  return changeAddresses({ fqdn, ips: [ip_1, ip_2], wait }, context, services);
}

async function updateByQuery(request: DoorRequest, services: Services): Promise<DoorReply> {
  const { parameters } = request;
  const context = await authenticate(request, services);
  checkParameterNames(parameters);
  const { ip_1, ip_2 } = parameters;
  return changeAddresses({ ...parameters, ips: [ip_1, ip_2] }, context, services);
}

async function deleteByPath(request: DoorRequest, services: Services): Promise<DoorReply> {
  const context = await authenticate(request, services);
  const { wait } = request.parameters;
  return deleteAddresses({ fqdn: request.path['fqdn'], wait }, context, services);
}

async function check(request: DoorRequest, services: Services): Promise<DoorReply> {
  if (!services.checkIsOpen) await authenticate(request, services);
  const results = await services.checks.run(services.zones.all);
  const body = results.map(checkLine).join('\n');
  const passed = results.every((result) => result.kind === 'passed');
  if (passed) return info(body, 'check passed');
  return { status: ORIGINAL_ERRORS['check-failed'][0], body, outcome: 'failed', detail: body.trimEnd() };
}

/**
 * Called before anything else of the request is checked: without a credential no reply shows which zones exist.
 * @throws AppError not-authenticated, also without a credential; too-many-guesses
 */
async function authenticate(request: DoorRequest, services: Services): Promise<RequestContext> {
  const { headers, parameters, path } = request;
  const candidates = findCandidates(headers, parameters, path['secret']);
  const isMissing =
    candidates.length === 0 &&
    headers.authorization === undefined &&
    headers['x-api-key'] === undefined &&
    parameters['secret'] === undefined;
  if (isMissing) throw new AppError('not-authenticated', 'missing: Field required (secret).');
  const { principal } = await authenticateRequest(request, services, candidates);
  return clientContext(request, 'original', principal);
}

function info(body: string, detail: string): DoorReply {
  return { status: 200, body, outcome: 'info', detail };
}
